using Obverse.Diffusion;
using Obverse.Evaluation;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>Mean lengths of a text tower's end-token rows and of their projections, over captions of ImageNet's names (sd-ipc.md 6.2, "required measurement").</summary>
/// <param name="TextSpace">Mean length of the end token's row.</param>
/// <param name="SharedSpace">Mean length of its projection.</param>
public sealed record PromptLengths(double TextSpace, double SharedSpace, int Captions);

/// <summary>Which length a converted picture has where none is given.</summary>
public static class PromptLength
{
    private const int Captions = 100, PublishedWidth = 768;

    /// <summary>27.5 and 27 for a text tower as wide as CLIP ViT-L/14's; else the mean over captions in the space of the rule.</summary>
    public static double Of(ClipModel clip, NormRule rule) => clip.Config.Text.Width == PublishedWidth ? rule == NormRule.Script ? 27.5 : 27
        : Measure(clip) is var lengths && rule == NormRule.Script ? lengths.TextSpace : lengths.SharedSpace;

    public static PromptLengths Measure(ClipModel clip)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        string[] captions = [.. ImageNet.Classes.Where((_, i) => i % (ImageNet.Classes.Count / Captions) == 0).Take(Captions).Select(c => $"a photo of a {c.ClipName}")];
        var rows = PromptSpaces.Ends(clip, captions);
        return new(rows.Norm(-1).Mean().Item(), clip.Text.Project(rows).Norm(-1).Mean().Item(), captions.Length);
    }
}
