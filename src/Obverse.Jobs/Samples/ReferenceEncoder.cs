using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>Whether a CLIP's picture embeddings can be a model's prompt: through the inverse of its text projection they must become what the model's text encoder gives at the end token.</summary>
internal static class ReferenceEncoder
{
    /// <exception cref="UsageException">It has no text projection, or one of another text encoder's width.</exception>
    public static void MustFit(ClipModel clip, string name, StableDiffusionModel model, Action<string> onRemark)
    {
        if (clip.Weights.Find("text_projection") is not { } projection) throw new UsageException($"{name}: has no text projection to invert; a CLIP with a text encoder like the model's is wanted");
        if (projection.Size(0) != model.TextConfig.Width) throw new UsageException($"{name}: its text projection starts from {projection.Size(0)} numbers, the model's text encoder gives {model.TextConfig.Width}: its prompts are not the model's; {Wanted(model)}");
        if (ReferenceEquals(clip, model.Clip) || !AreOthers(clip, model)) return;
        onRemark($"{name}: its text encoder is not the model's, although it is as wide: what it converts may mean something else to the model; {Wanted(model)}");
    }

    private static string Wanted(StableDiffusionModel model) => model.Clip is null ? "a CLIP whose text encoder is the model's is wanted" : $"a CLIP with the text encoder of {Path.GetFileName(model.Clip.Folder)} is wanted";

    // Where a text of a few words gives other rows. A text encoder that was tuned a little is another one too.
    private static bool AreOthers(ClipModel clip, StableDiffusionModel model)
    {
        const double Same = 0.02; // fp16 files and bf16 stay below it
        using var scope = new TensorScope();
        using var still = new NoGrad();
        if (clip.Tokenizer is not { } tokenizer || tokenizer.VocabularySize != model.Tokenizer.VocabularySize) return true;
        const string Probe = "a photo of a red dog";
        Tensor End(TextTransformer text, BpeTokenizer by)
        {
            long[] ids = [.. by.EncodeUnpadded(Probe).Select(id => (long)id)];
            return text.Hidden(Tensor.From(ids, 1, ids.Length)).Select(1, -1).Normalized();
        }

        return !(1 - (End(clip.Text, tokenizer) * End(model.Text, model.Tokenizer)).Sum().Item() < Same);
    }
}
