using Obverse.Imaging;

namespace Obverse.Fuzz;

/// <summary>Every reader of files and texts that may come from a stranger. A new reader is one line here.</summary>
internal static class Catalogue
{
    public static IReadOnlyList<Target> All { get; } =
    [
        WeightsTargets.Safetensors,
        WeightsTargets.Index,
        WeightsTargets.Delta,
        WeightsTargets.OpenClip,
        WeightsTargets.Transformers,
        WeightsTargets.Preprocessor,
        CheckpointTargets.Checkpoint,
        TokenizerTargets.Merges,
        TokenizerTargets.MergesOfTransformers,
        TokenizerTargets.Vocabularies,
        TokenizerTargets.Whole,
        TokenizerTargets.SpecialTokens,
        TokenizerTargets.Text,
        JobTargets.Read,
        JobTargets.Begin,
        PictureTargets.Png,
        PictureTargets.Jpeg,
        PictureTargets.WebP,
        PictureTargets.Gif,
        PictureTargets.Bmp,
    ];

    public static Target Named(string name) => All.FirstOrDefault(target => target.Name == name) ?? throw new ArgumentException($"no target '{name}'; there are {string.Join(", ", All.Select(target => target.Name))}");
}
