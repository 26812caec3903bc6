using System.Text.Json;
using System.Text.Json.Serialization;
using Obverse.Files;
using Obverse.Models;

namespace Obverse.Diffusion;

/// <summary>What a tuned delta says of itself, in the metadata of its file: how it was made, and of what base.</summary>
public sealed record DeltaInfo
{
    /// <summary>Key of the metadata.</summary>
    public const string Keyword = "obverse-delta";
    private const int Longest = 1 << 16;
    private static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) }, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>"ft", "ct" or "custom-diffusion".</summary>
    public required string Method { get; init; }

    /// <summary>"CU", "C", "U", "FC", "FC(I)" (sd-ipc.md 6.4).</summary>
    public string? Parts { get; init; }

    /// <summary>The base model's name, and the SHA-256 of its UNet's weights.</summary>
    public required string Model { get; init; }
    public required string ModelSha256 { get; init; }

    /// <summary>The CLIP whose image encoder was tuned or inverted; null: none was used.</summary>
    public string? Clip { get; init; }
    public string? ClipSha256 { get; init; }
    public PromptPlacement Placement { get; init; }
    public NormRule Norm { get; init; }
    public double? Length { get; init; }
    public double Cutoff { get; init; } = PromptConverter.DefaultCutoff;
    public long Updates { get; init; }
    public double Rate { get; init; }
    public int Pictures { get; init; }

    /// <summary>The class of the concept, "dog"; null: several.</summary>
    public string? Concept { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, json);

    /// <summary>From a file's metadata; null where it has none.</summary>
    /// <exception cref="WeightsException">It is no such JSON.</exception>
    public static DeltaInfo? Of(IReadOnlyDictionary<string, string> metadata, string path)
    {
        if (!metadata.TryGetValue(Keyword, out var text)) return null;
        try
        {
            if (text.Length <= Longest && JsonSerializer.Deserialize<DeltaInfo>(text, json) is { Method: not null, Model: not null, ModelSha256: not null } info && (info.Length is null || double.IsFinite(info.Length.Value)) && double.IsFinite(info.Cutoff)) return info;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new WeightsException($"{path}: its metadata {Keyword} is not what Obverse writes", e);
        }

        throw new WeightsException($"{path}: its metadata {Keyword} is not what Obverse writes");
    }
}
