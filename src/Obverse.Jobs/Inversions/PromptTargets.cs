using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>The targets of a job: its prompts embedded by every member of its encoder, with their weights.</summary>
internal sealed class PromptTargets(InversionJob job)
{
    /// <summary>"prompt", the job's other targets by name, and "start" if a representation is fitted to a picture.</summary>
    public Targets Of(Encoder encoder)
    {
        var targets = new Targets { [Targets.Prompt] = Of(encoder, job.Prompt) };
        foreach (var text in job.Recipe.Texts ?? []) if (job.Targets?.ContainsKey(text.Name) != true) targets[text.Name] = Of(encoder, Prompt.Parse(text.Text));
        foreach (var (name, prompt) in job.Targets ?? new Dictionary<string, Prompt>()) targets[name] = Of(encoder, prompt);
        if (job.Start is not null && (job.Recipe.Fit is not null || job.Recipe.Canvas.NeedsStart)) targets[Targets.Start] = [.. encoder.Members.Select(member => TensorScope.Unscoped(() => Owned(() => Target.At(Seen(member.Encoder, job.Load(job.Start))[0]))))];
        return targets;
    }

    private IReadOnlyList<Target> Of(Encoder encoder, Prompt prompt) => [.. encoder.Members.Select(member => TensorScope.Unscoped(() => Owned(() => One(member.Encoder, prompt))))];

    private Target One(Encoder encoder, Prompt prompt)
    {
        PromptPart[] texts = [.. prompt.Texts], images = [.. prompt.Images];
        List<Tensor> rows = [];
        if (texts.Length > 0) rows.Add(job.Recipe.UsesTemplates ? Tensor.Cat([.. texts.Select(part => InSentences(encoder, part.Text!))]) : encoder.Embed([.. texts.Select(part => part.Text!)]));
        foreach (var part in images) rows.Add(Seen(encoder, job.Load(part.Sha256 is { } hash ? new StoredFile(part.Image!, hash) : StoredFile.Of(part.Image!))));
        return Pointing(new Target(Tensor.Cat(rows), Tensor.From(Values([.. texts.Concat(images).Select(part => part.Weight)]))), prompt.ToString());
    }

    /// <summary>Weights as float32 holds them. Only their ratios count: a single one, or those whose squares would leave its range, are taken relative to the largest, so that a single part's weight does not even round.</summary>
    internal static float[] Values(IReadOnlyList<double> weights)
    {
        var largest = weights.Max(Math.Abs);
        if (largest == 0 || !weights.All(double.IsFinite)) throw new InvalidDataException($"weights {string.Join(", ", weights)}: finite ones, at least one of them not 0, are wanted");
        return [.. weights.Select(weight => (float)(weights.Count == 1 || largest is < 1e-3 or > 1e12 ? weight / largest : weight))];
    }

    /// <summary>The target, where its parts do not cancel: rounding would else be all that is left to draw toward.</summary>
    /// <exception cref="InvalidDataException">They do.</exception>
    internal static Target Pointing(Target target, string prompt)
    {
        const double Least = 1e-4; // of the weights' sum; embeddings that differ at all are further apart, rounding is below 1e-6
        var (length, sum) = ((target.Embeddings * target.Values.Unsqueeze(-1)).Sum(-2).Square().Sum().Sqrt().Item(), target.Values.Abs().Sum().Item());
        return length > Least * sum || double.IsNaN(length) ? target : throw new InvalidDataException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"the parts of \"{prompt}\" cancel: their weighted embeddings add up to length {length:0.#######} of {sum:0.###}, so there is nothing to draw toward; change a weight or a part"));
    }

    // The mean of the raw embeddings, where the encoder has raw ones: [1, d].
    private static Tensor InSentences(Encoder encoder, string text)
    {
        string[] sentences = [.. ImageNetTemplates.All.Where(template => template != "a photo of many {}.").Select(template => template.Replace("{}", text, StringComparison.Ordinal))];
        return (encoder is ClipEncoder clip ? clip.Model.EncodeText(sentences) : encoder.Embed(sentences)).Mean(0, keep: true).Normalized();
    }

    // [1, d]
    private Tensor Seen(Encoder encoder, Picture picture)
    {
        if (job.Recipe.TargetViews is not { } views) return encoder.Embed(picture.ToTensor());
        using var random = Generator.For(job.Seed, 3);
        return encoder.Embed(views.Apply(picture.ToTensor().Resize(job.Height, job.Width, Interpolation.Bicubic, antialias: true).Clamp(0, 1), random)).Mean(0, keep: true).Normalized();
    }

    /// <summary>A target whose tensors outlive the scope it was made in.</summary>
    public static Target Owned(Func<Target> make)
    {
        using var scope = new TensorScope();
        var target = make();
        foreach (var tensor in new[] { target.Embeddings, target.Values, target.Direction }) scope.Keep(tensor);
        return target;
    }
}
