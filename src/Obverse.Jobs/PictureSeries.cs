using System.Text.Json;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>The pictures of one `invert --n`, as the checkpoint of one of them names them: all of them go on where one is resumed.</summary>
/// <param name="Count">How many.</param>
/// <param name="Seed">The first one's seed.</param>
/// <param name="Name">The name that the pictures' own are made of, without a folder.</param>
public sealed record PictureSeries([property: Limit(1, 1000)] int Count, ulong Seed, string Name)
{
    /// <summary>Metadata of a checkpoint that holds it.</summary>
    public const string Keyword = "obverse-series";

    /// <summary>That of a checkpoint; null where it is one picture's.</summary>
    /// <exception cref="InvalidDataException">A series that cannot be: the checkpoint may be a stranger's.</exception>
    public static PictureSeries? Of(string checkpoint, InversionJob job)
    {
        using var file = Safetensors.Open(checkpoint);
        if (!file.Metadata.TryGetValue(Keyword, out var text)) return null;
        PictureSeries series;
        try
        {
            series = PartJson.Read<PictureSeries>(text);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            throw new InvalidDataException($"{checkpoint}: its series of pictures is damaged", e);
        }

        var isOne = series is { Count: >= 1 and <= 1000, Name: { } name } && name == Path.GetFileName(name) && name.EndsWith(".png", StringComparison.Ordinal) && !FileNames.IsTooLong(name)
            && job.Seed >= series.Seed && job.Seed - series.Seed < (ulong)series.Count;
        return isOne ? series : throw new InvalidDataException($"{checkpoint}: its series of pictures is none that Obverse writes");
    }

    /// <summary>What a picture's file name ends in.</summary>
    public static string Suffix(ulong seed) => $"-seed{seed}";
}
