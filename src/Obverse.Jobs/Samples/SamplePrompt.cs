using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>A sample's rows: of its prompt or reference pictures, of its negative prompt, and which of them are hidden.</summary>
internal sealed class SamplePrompt : IDisposable
{
    private readonly Tensor? keep;
    private readonly bool afterSoftmax;

    public SamplePrompt(SampleJob job, StableDiffusionModel model, Workshop workshop)
    {
        Tokens = job.References is null ? PromptTokens.Of(model, job.Prompt, job.Emphasis) : null;
        afterSoftmax = !job.MasksBeforeSoftmax;
        keep = job.MaskedWords is { } words ? Tensor.Owned(() => Keep(words)) : null;
        using var both = Tensor.Owned(() =>
        {
            using var still = new NoGrad();
            var written = Tokens is { } tokens ? PromptRows.Of(model, tokens, job.Emphasis) : Converted(job.References!, job, model, workshop);
            var (rows, negative) = PromptRows.AsLong(model, written, PromptRows.Of(model, PromptTokens.Of(model, job.Negative, job.Emphasis), job.Emphasis));
            if (keep is { } mask && mask.Size(1) < rows.Size(1)) throw new UsageException("a negative prompt longer than one with masked words; shorten it");
            return Tensor.Cat([rows, negative]);
        });
        (Rows, Negative) = (Tensor.Owned(() => both.Narrow(0, 0, 1).Clone()), Tensor.Owned(() => both.Narrow(0, 1, 1).Clone()));
    }

    /// <summary>Null: reference pictures are the prompt.</summary>
    public PromptTokens? Tokens { get; }

    /// <summary>[1, rows, width].</summary>
    public Tensor Rows { get; }

    /// <summary>As long.</summary>
    public Tensor Negative { get; }

    /// <summary>What the cross-attention is to hide, or to show to <paramref name="sees"/>; null: nothing.</summary>
    public ContextMask? Mask(Action<Tensor, long, long>? sees) => keep is null && sees is null ? null : new(keep, afterSoftmax) { Sees = sees };

    public void Dispose()
    {
        Rows.Dispose();
        Negative.Dispose();
        keep?.Dispose();
    }

    // [1, rows]: 0 for the masked words' tokens.
    private Tensor Keep(IReadOnlyList<string> words)
    {
        if (Tokens is null) throw new UsageException("words are masked in a prompt; reference pictures have none");
        var (known, all) = (Tokens.Words, words is ["*"]);
        if (!all && words.FirstOrDefault(word => !known.Contains(word)) is { } other) throw new UsageException($"--mask-words: '{other}' is no word of the prompt, whose words are {string.Join(", ", known)}");
        return Tensor.From([.. Tokens.Chunks.SelectMany(chunk => chunk).Select(token => token.Word is { } word && (all || words.Contains(word)) ? 0f : 1f)], 1, Tokens.Chunks.Sum(chunk => chunk.Count));
    }

    private static Tensor Converted(SampleReferences references, SampleJob job, StableDiffusionModel model, Workshop workshop)
    {
        var clip = references.Encoder is { } named ? workshop.Model(named.Name).Encoder.Model : model.Clip
            ?? throw new UsageException($"{job.Model.Name} holds no CLIP that sees pictures; name one whose text encoder is the model's with --encoder");
        ReferenceEncoder.MustFit(clip, references.Encoder?.Name ?? job.Model.Name, model, workshop.OnRemark);
        var encoder = new ClipEncoder(clip, references.Encoder?.Name ?? job.Model.Name);
        using var tuned = new TunedConversion(job.Tuning, encoder);
        double[] weights = [.. references.Pictures.Select(one => one.Weight)];
        var seen = Tensor.Cat([.. references.Pictures.Select(one => tuned.Embed(one.Picture.Load().OnWhite().ToTensor()))]).Normalized();
        using var converter = new PromptConverter(clip.Weights.Find("text_projection")!, references.Cutoff) { Norm = references.Norm, Length = references.Length ?? tuned.Length ?? PromptLength.Of(clip, references.Norm), Learned = tuned.Linear };
        var ids = model.Tokenize([references.Edit ?? ""]);
        var text = model.Hidden(ids);
        var (end, alpha) = references.Edit is null ? (1, 0) : ((int)model.Ends(ids).Item(), references.Alpha);
        if (references.Share == ReferenceShare.Rows && weights.Length > 1) return PromptConverter.Shared(converter.Convert(seen), text, weights, end, alpha, references.EditRule);
        var converted = converter.Convert(ReferenceMeans.OnSphere(seen, weights));
        return references.Edit is null ? PromptConverter.Variation(converted, text) : PromptConverter.Edit(converted, text, end, alpha, references.EditRule);
    }
}
