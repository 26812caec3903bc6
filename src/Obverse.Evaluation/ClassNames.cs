using System.Text.Json;

namespace Obverse.Evaluation;

/// <summary>A class of a classifier and its names.</summary>
/// <param name="Index">Its row in the classifier.</param>
/// <param name="Wnid">Its WordNet 3.0 id, <c>n02084071</c>.</param>
/// <param name="ClipName">The name used for zero-shot prompts (open_clip's list).</param>
/// <param name="Synonyms">All names in WordNet.</param>
public sealed record ClassName(int Index, string Wnid, string ClipName, IReadOnlyList<string> Synonyms)
{
    private static readonly JsonSerializerOptions json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>A list as <c>imagenet-classes.json</c> has it: index, wnid, clip_name, synonyms.</summary>
    public static IReadOnlyList<ClassName> Load(string path) => Parse(File.ReadAllBytes(path), path);

    internal static IReadOnlyList<ClassName> Parse(ReadOnlySpan<byte> text, string path)
    {
        var classes = JsonSerializer.Deserialize<ClassName[]>(text, json) ?? [];
        for (var i = 0; i < classes.Length; i++)
        {
            if (classes[i].Index != i) throw new InvalidDataException($"'{path}': entry {i} has the index {classes[i].Index}; the classifier's order was wanted");
        }

        return classes.Length > 0 ? classes : throw new InvalidDataException($"'{path}' names no class");
    }

    /// <summary>For every class all classes of its name: `missile` and `sunglasses` occur twice in ImageNet's list, and either answer is right.</summary>
    public static int[][] SameName(IReadOnlyList<string> names)
    {
        var byName = names.Select((name, i) => (name, i)).GroupBy(pair => pair.name, pair => pair.i).ToDictionary(group => group.Key, group => group.ToArray());
        return [.. names.Select(name => byName[name])];
    }
}
