namespace Obverse.Models;

/// <summary>What an English plural may be the plural of. A small vocabulary has "castle" in one piece and "castles" in two others, cast and les, which mean nothing of it.</summary>
internal static class Singulars
{
    private const int Shortest = 4; // letters of a plural

    private static readonly Dictionary<string, string> irregular = new(StringComparer.Ordinal)
    {
        ["mice"] = "mouse", ["geese"] = "goose", ["feet"] = "foot", ["teeth"] = "tooth", ["oxen"] = "ox", ["children"] = "child", ["men"] = "man", ["women"] = "woman",
    };

    // Things that have no other name, and places.
    private static readonly HashSet<string> only = ["binoculars", "tights", "trousers", "pants", "jeans", "shorts", "leggings", "glasses", "sunglasses", "eyeglasses", "goggles", "spectacles", "scissors", "shears", "pliers", "tongs", "tweezers", "clothes", "pajamas", "pyjamas", "knickers", "overalls", "brussels", "pyrenees", "andes", "alps", "netherlands"];

    /// <summary>Words, some of which are none: the vocabulary decides.</summary>
    public static IEnumerable<string> Of(string word)
    {
        if (only.Contains(word)) yield break;
        if (irregular.TryGetValue(word, out var one)) yield return one;
        if (word.Length < Shortest || !word.EndsWith('s') || word.EndsWith("ss", StringComparison.Ordinal)) yield break;
        if (word.EndsWith("ies", StringComparison.Ordinal)) yield return word[..^3] + "y";
        if (word.EndsWith("ves", StringComparison.Ordinal))
        {
            yield return word[..^3] + "f";
            yield return word[..^3] + "fe";
        }

        if (((string[])["ses", "xes", "zes", "ches", "shes", "oes"]).Any(end => word.EndsWith(end, StringComparison.Ordinal))) yield return word[..^2];
        yield return word[..^1];
    }

    /// <summary>Whether a word in s is as likely no plural: cactus, canvas, iris.</summary>
    public static bool IsDoubtful(string word) => ((string[])["us", "is", "os", "as"]).Any(end => word.EndsWith(end, StringComparison.Ordinal));
}
