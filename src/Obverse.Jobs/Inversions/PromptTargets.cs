using Obverse.Files;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>What a job's prompts are to the members of its encoder: texts and pictures embedded, with their weights.</summary>
internal sealed class PromptTargets(InversionJob job)
{
    /// <summary>"prompt", the job's other targets by their names, and "start" where a representation is fitted to a picture.</summary>
    public Targets Of(Encoder encoder)
    {
        var targets = new Targets { [Targets.Prompt] = Of(encoder, job.Prompt) };
        foreach (var (name, prompt) in job.Targets ?? new Dictionary<string, Prompt>()) targets[name] = Of(encoder, prompt);
        if (job.Start is not null && job.Recipe.Fit is not null) targets[Targets.Start] = [.. encoder.Members.Select(member => TensorScope.Unscoped(() => Owned(() => Target.At(Seen(member.Encoder, job.Load(job.Start))[0]))))];
        return targets;
    }

    private IReadOnlyList<Target> Of(Encoder encoder, Prompt prompt) => [.. encoder.Members.Select(member => TensorScope.Unscoped(() => Owned(() => One(member.Encoder, prompt))))];

    private Target One(Encoder encoder, Prompt prompt)
    {
        PromptPart[] texts = [.. prompt.Texts], images = [.. prompt.Images];
        List<Tensor> rows = [];
        if (texts.Length > 0) rows.Add(encoder.Embed([.. texts.Select(part => part.Text!)]));
        foreach (var part in images) rows.Add(Seen(encoder, job.Load(part.Sha256 is { } hash ? new StoredFile(part.Image!, hash) : StoredFile.Of(part.Image!))));
        return new Target(Tensor.Cat(rows), Tensor.From([.. texts.Concat(images).Select(part => (float)part.Weight)]));
    }

    // [1, d]
    private Tensor Seen(Encoder encoder, Picture picture)
    {
        if (job.Recipe.TargetViews is not { } views) return encoder.Embed(picture.ToTensor());
        using var random = Generator.For(job.Seed, 3);
        return encoder.Embed(views.Apply(picture.ToTensor().Resize(job.Height, job.Width, Interpolation.Bicubic, antialias: true).Clamp(0, 1), random)).Mean(0, keep: true).Normalized();
    }

    /// <summary>A target whose tensors outlive the scope that it was made in.</summary>
    public static Target Owned(Func<Target> make)
    {
        using var scope = new TensorScope();
        var target = make();
        foreach (var tensor in new[] { target.Embeddings, target.Values, target.Direction }) scope.Keep(tensor);
        return target;
    }
}
