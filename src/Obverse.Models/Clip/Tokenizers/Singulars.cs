namespace Obverse.Models;

/// <summary>What an English plural may be the plural of. A small vocabulary has "castle" in one piece and "castles" in two others, cast and les, which mean nothing of it.</summary>
internal static class Singulars
{
    private const int Shortest = 4; // letters of a plural

    private static readonly Dictionary<string, string> irregular = new(StringComparer.Ordinal)
    {
        ["mice"] = "mouse", ["geese"] = "goose", ["feet"] = "foot", ["teeth"] = "tooth", ["oxen"] = "ox", ["children"] = "child", ["men"] = "man", ["women"] = "woman",
    };

    // Things that have no other name, words that are no plurals, and places.
    private static readonly HashSet<string> only =
    [
        "binoculars", "tights", "trousers", "pants", "jeans", "shorts", "leggings", "glasses", "sunglasses", "eyeglasses", "goggles", "spectacles", "scissors", "shears", "pliers", "tongs", "tweezers", "clothes", "pajamas", "pyjamas", "knickers", "overalls",
        "goods", "news", "sports", "series", "species", "lens", "always", "perhaps", "towards", "besides", "overseas", "whereas", "bias", "atlas", "canvas", "christmas", "pancreas", "cosmos", "chaos", "rhinoceros", "asbestos", "ethos", "pathos", "kudos",
        "brussels", "pyrenees", "andes", "alps", "netherlands", "texas", "kansas", "arkansas", "dallas", "thomas", "james", "wales", "mars",
    ];

    /// <summary>Plurals that pocket-clip's vocabulary has in one piece and its texts too seldom: their embeddings are far from the singular's (cosine 0.10 to 0.65). All other such plurals mean what they say.</summary>
    public static readonly HashSet<string> Seldom = ["ants", "flies", "beetles", "snakes", "pies", "rays"];

    // Where both spellings are as short in pieces.
    private static readonly HashSet<string> inF = ["wolves", "werewolves", "knives", "leaves", "loaves", "meatloaves", "calves", "shelves", "bookshelves", "scarves", "halves", "hooves", "elves", "thieves", "wives", "lives"];
    private static readonly HashSet<string> inIe = ["pies", "magpies", "ties", "dies", "lies", "cookies", "collies", "kelpies", "movies", "zombies", "hoodies", "genies", "brownies", "prairies", "rotisseries", "selfies"];
    private static readonly HashSet<string> inOe = ["shoes", "horseshoes", "snowshoes", "toes", "oboes", "canoes", "foes", "hoes"];

    /// <summary>Words, some of which are none, the likelier first: the vocabulary decides.</summary>
    public static IEnumerable<string> Of(string word)
    {
        if (only.Contains(word)) return [];
        if (irregular.TryGetValue(word, out var one)) return [one];
        if (word.Length < Shortest || !word.EndsWith('s') || word.EndsWith("ss", StringComparison.Ordinal)) return [];
        var plain = word[..^1];
        return word switch
        {
            _ when inIe.Contains(word) || inOe.Contains(word) => [plain],
            _ when inF.Contains(word) => [word[..^3] + "f", word[..^3] + "fe", plain],
            _ when Ends(word, "ies") => [word[..^3] + "y", plain],
            _ when Ends(word, "sses", "xes", "zzes", "ches", "shes", "oes") => [word[..^2], plain],
            _ when Ends(word, "ses", "zes") => [plain, word[..^2]],
            _ => [plain],
        };
    }

    /// <summary>Whether a word in s is as likely no plural: cactus, iris.</summary>
    public static bool IsDoubtful(string word) => Ends(word, "us", "is");

    private static bool Ends(string word, params string[] ends) => ends.Any(end => word.EndsWith(end, StringComparison.Ordinal));
}
