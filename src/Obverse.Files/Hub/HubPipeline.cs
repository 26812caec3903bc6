using System.Text.Json;

namespace Obverse.Files;

/// <summary>A repository in diffusers' layout: a folder a component. Those that Stable Diffusion 1.x is made of are pulled, each with one set of weights; not the safety checker, and not the single files beside them.</summary>
internal static class HubPipeline
{
    public const string Index = "model_index.json";
    private static readonly string[] weighed = ["unet", "vae", "text_encoder"];
    private static readonly string[] plain =
    [
        Index, "scheduler/scheduler_config.json", "tokenizer/vocab.json", "tokenizer/merges.txt", "tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json", "tokenizer/special_tokens_map.json", "tokenizer/added_tokens.json", "README.md", "LICENSE",
        .. weighed.Select(part => part + "/config.json"),
    ];

    /// <summary>What to ask for one by one where a hub cannot list.</summary>
    public static IReadOnlyList<string> Guesses { get; } = [.. plain, .. weighed.SelectMany(part => WeightNames.OfPipelines.Select(name => $"{part}/{name}"))];

    /// <summary>Of a repository's files those that are pulled.</summary>
    public static IEnumerable<string> Choose(IReadOnlySet<string> names, Func<string, bool> isExcluded)
    {
        foreach (var name in plain) if (names.Contains(name)) yield return name;
        foreach (var part in weighed)
        {
            if (WeightNames.OfPipelines.Select(name => $"{part}/{name}").FirstOrDefault(name => names.Contains(name) && !isExcluded(name)) is not { } found) continue;
            yield return found;
            if (HubModelFiles.IsIndex(found)) foreach (var shard in names.Where(name => HubModelFiles.IsShardOf(found, name))) yield return shard;
        }
    }

    /// <summary>True where each component that the index names has its weights, all of their files too.</summary>
    /// <exception cref="WeightsException">An index of weights that is none.</exception>
    public static bool IsWhole(string folder)
    {
        string[] named;
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, Index)));
            named = [.. weighed.Where(part => json.RootElement.TryGetProperty(part, out var value) && value.ValueKind == JsonValueKind.Array)];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }

        return named.Contains("unet") && named.All(part => WeightNames.OfPipelines.Select(name => Path.Combine(folder, part, name)).FirstOrDefault(File.Exists) is { } found
            && (!HubModelFiles.IsIndex(found) || WeightNames.Shards(found).All(shard => File.Exists(Path.Combine(folder, part, shard)))));
    }
}
