using System.Text.RegularExpressions;

namespace Obverse.Files;

/// <summary>Which of a repository's files make a model: its configs, its tokenizer, its card and one set of weights (of a pipeline: one a component, <see cref="HubPipeline"/>), unless globs say otherwise.</summary>
public sealed partial record HubModelFiles
{
    private static readonly string[] beside =
    [
        "open_clip_config.json", "config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "vocab.json", "vocab.txt", "merges.txt", "bpe.txt.gz", "bpe_simple_vocab_16e6.txt.gz", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "README.md", "LICENSE",
    ];

    /// <summary>Globs (* ? [abc], '*' crosses folders): these instead of a model's files.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>Globs: none of these.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>Everything that the repository has.</summary>
    public bool All { get; init; }

    /// <summary>True where a model's own files are chosen, and a repository without weights is none.</summary>
    public bool IsModel => !All && Include.Count == 0;

    /// <summary>What to ask for one by one where a hub cannot list: the names that models use, and the includes that are names.</summary>
    internal IReadOnlyList<string> Guesses => All ? throw new HubException(HubFault.Refused, "everything (--all) wants a hub that lists a repository's files; name them with --include") : IsModel ? [.. beside, .. WeightNames.All, HubPipeline.Index] : Names;

    /// <summary>The includes that are no globs: asked for even where a list does not have them, so that a mistyped one is reported.</summary>
    internal IReadOnlyList<string> Names => [.. Include.Where(glob => glob.IndexOfAny(['*', '?', '[']) < 0 && !glob.EndsWith('/'))];

    internal IReadOnlyList<string> Choose(IReadOnlyCollection<string> names)
    {
        var chosen = All ? names : Include.Count > 0 ? names.Where(name => Include.Any(glob => Matches(glob, name))) : Model(names.ToHashSet(StringComparer.Ordinal));
        return [.. chosen.Where(name => !Exclude.Any(glob => Matches(glob, name))).Distinct().Order(StringComparer.Ordinal)];
    }

    internal static bool IsIndex(string name) => name.EndsWith(".index.json", StringComparison.Ordinal);

    /// <summary>True where a folder has a model's weights, all of their files too.</summary>
    internal static bool IsWhole(string folder)
    {
        var found = WeightNames.All.FirstOrDefault(name => File.Exists(Path.Combine(folder, name)));
        try
        {
            if (found is null && File.Exists(Path.Combine(folder, HubPipeline.Index))) return HubPipeline.IsWhole(folder);
            return found is not null && (!IsIndex(found) || WeightNames.Shards(Path.Combine(folder, found)).All(shard => File.Exists(Path.Combine(folder, shard))));
        }
        catch (Exception e) when (e is WeightsException or IOException)
        {
            return false;
        }
    }

    private IEnumerable<string> Model(HashSet<string> names)
    {
        if (names.Contains(HubPipeline.Index)) return HubPipeline.Choose(names, name => Exclude.Any(glob => Matches(glob, name)));
        var found = WeightNames.All.FirstOrDefault(name => names.Contains(name) && !Exclude.Any(glob => Matches(glob, name)));
        var shards = found is not null && IsIndex(found) ? names.Where(name => IsShardOf(found, name)) : [];
        return [.. beside.Where(names.Contains), .. found is null ? [] : new[] { found }, .. shards];
    }

    // model.safetensors.index.json: model-00001-of-00004.safetensors
    internal static bool IsShardOf(string index, string name)
    {
        var whole = index[..^".index.json".Length];
        var extension = Path.GetExtension(whole);
        var stem = whole[..^extension.Length]; // with its folder
        return name.StartsWith(stem + "-", StringComparison.Ordinal) && name.EndsWith(extension, StringComparison.Ordinal) && Numbered().IsMatch(name[stem.Length..^extension.Length]);
    }

    /// <summary>As Python's fnmatch, which the hub's own client uses; "folder/" means all that is in it.</summary>
    internal static bool Matches(string glob, string name)
    {
        if (glob.EndsWith('/')) glob += "*";
        var pattern = Regex.Escape(glob).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal);
        pattern = Class().Replace(pattern, set => "[" + (set.Groups[1].Value.StartsWith('!') ? "^" + set.Groups[1].Value[1..] : set.Groups[1].Value) + "]");
        return Regex.IsMatch(name, @"\A(?:" + pattern + @")\z", RegexOptions.Singleline | RegexOptions.NonBacktracking);
    }

    [GeneratedRegex(@"^-\d+-of-\d+\z")]
    private static partial Regex Numbered();

    [GeneratedRegex(@"\\\[(!?[\w.-]+)\]")]
    private static partial Regex Class();
}
