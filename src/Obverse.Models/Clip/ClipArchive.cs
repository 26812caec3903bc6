using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// What a script's file says of its CLIP (torch.jit.save, as OpenAI published theirs), which no name and no configuration beside it can know better: the
/// activation by the class of its modules, and by buffers of their own that it is OpenAI's, with their shapes, activation and special words.
/// </summary>
internal sealed class ClipArchive(IReadOnlyDictionary<string, StoredTensor> stored, IReadOnlySet<string> classes, bool isOpenAI)
{
    /// <summary>Null: it does not say.</summary>
    public Activation? Activation => isOpenAI || classes.Contains("QuickGELU") || classes.Contains("QuickGELUActivation") ? Models.Activation.QuickGelu : classes.Contains("GELU") || classes.Contains("GELUActivation") ? Models.Activation.Gelu : null;

    /// <summary>The configuration that counts, and what of <paramref name="said"/> is otherwise, in words.</summary>
    /// <param name="said">By the architecture's name, or by the file beside it.</param>
    /// <param name="architecture">The name; null: it was the file.</param>
    public (ClipConfig Config, IReadOnlyList<string> Remarks) Against(ClipConfig said, string? architecture)
    {
        var (config, remarks) = (said, new List<string>());
        var by = architecture ?? "the configuration beside it";
        if (isOpenAI && architecture is not null)
        {
            config = ClipConfig.FromOpenAI(stored);
            if (!config.HasShapesOf(said)) remarks.Add($"it is {ClipConfig.Architectures.FirstOrDefault(name => config.HasShapesOf(ClipConfig.Named(name))) ?? "of other shapes"}, where {by} was named");
        }

        if (Activation is not { } own) return (config, remarks);
        if (said.With(own) != said) remarks.Add($"its activation is {PublishedClip.Word(own)}, where {by} says {PublishedClip.Word(said.Text.Activation == own ? said.Vision.Activation : said.Text.Activation)}");
        return (config.With(own), remarks);
    }
}
