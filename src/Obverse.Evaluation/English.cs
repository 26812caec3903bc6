namespace Obverse.Evaluation;

/// <summary>Articles and plurals, as far as names of things need them.</summary>
public static class English
{
    /// <summary>"an apple", "a unicorn", "grapes", "Mount Fuji".</summary>
    public static string WithArticle(string name) => TakesArticle(name) ? $"{(StartsWithVowelSound(name) ? "an" : "a")} {name}" : name;

    public static bool TakesArticle(string name) => name.Length > 0 && !IsPlural(name) && !Uncounted.Contains(name) && !IsActivity(name)
        && (char.IsLower(name[0]) || char.IsDigit(name[0]) || CapitalisedThings.Any(word => name.StartsWith(word, StringComparison.Ordinal)) || name.EndsWith(" button", StringComparison.Ordinal) || name.EndsWith(" arrow", StringComparison.Ordinal))
        && !NumbersAndPeople.Contains(FirstWord(name)) && !name.EndsWith("o'clock", StringComparison.Ordinal) && !name.EndsWith("-thirty", StringComparison.Ordinal);

    private static readonly HashSet<string> NumbersAndPeople = ["people", "men", "women", "two", "three", "children", "no"];
    private static readonly HashSet<string> Uncounted = ["american football", "bacon", "badminton", "bread", "broccoli", "bubble tea", "butter", "canned food", "clapping hands", "cooked rice", "coral", "curry rice", "dna", "fog",
        "folding hands", "lightning", "money", "money with wings", "music", "nail polish", "non-potable water", "oden", "popcorn", "potable water", "raising hands", "rugby football", "sake", "salt", "shaved ice", "skull and crossbones",
        "soap", "spaghetti", "sushi", "tennis", "thread", "wood", "yarn"];
    private static readonly string[] CapitalisedThings = ["Christmas tree", "Japanese", "ATM", "T-Rex", "OK", "Celtic"];
    private static readonly HashSet<string> OneInS = ["rhinoceros", "canvas", "christmas", "lens", "atlas", "cosmos"];
    private static readonly HashSet<string> ThingsInIng = ["building", "ring", "wing", "king", "string", "painting", "earring", "seedling", "dumpling", "viking"];

    private static string FirstWord(string name) => name.Split(' ', ',')[0];
    private static bool IsActivity(string name) => !name.Contains(' ') && !name.Contains('-') && name.Length > 5 && name.EndsWith("ing", StringComparison.Ordinal) && !ThingsInIng.Contains(name);

    // What the head noun is: "woman lifting weights" and "pot of beans" are one, "shopping bags" and "busts in silhouette" are many.
    public static bool IsPlural(string name)
    {
        if (FirstWord(name) is "man" or "woman" or "person" or "face" or "eye" or "sunrise") return false;
        var head = name;
        foreach (var joint in (string[])[" with ", " of ", " in ", " on ", ", "])
            if (head.IndexOf(joint, StringComparison.Ordinal) is > 0 and var at) head = head[..at];
        var last = head[(head.LastIndexOf(' ') + 1)..];
        return last.Length > 3 && last.EndsWith('s') && !last.EndsWith("ss", StringComparison.Ordinal) && !last.EndsWith("us", StringComparison.Ordinal) && !last.EndsWith("is", StringComparison.Ordinal)
            && !last.EndsWith("'s", StringComparison.Ordinal) && !OneInS.Contains(last) || last is "skis";
    }

    private static bool StartsWithVowelSound(string name)
    {
        var word = name.ToLowerInvariant();
        if (word.StartsWith("hour", StringComparison.Ordinal) || word.StartsWith("x-ray", StringComparison.Ordinal) || word.StartsWith("sos", StringComparison.Ordinal)) return true;
        foreach (var consonant in (string[])["uni", "use", "euro", "one", "ewe"])
            if (word.StartsWith(consonant, StringComparison.Ordinal)) return false;
        return "aeiou8".Contains(word[0]);
    }

    /// <summary>"goldfish", "geese", "butterflies", "school buses": of the last word, or of the one before "of" and "with".</summary>
    public static string Plural(string name)
    {
        foreach (var joint in (string[])[" of ", " with ", " in ", " on ", " ("])
            if (name.IndexOf(joint, StringComparison.Ordinal) is > 0 and var at) return Plural(name[..at]) + name[at..];
        if (IsPlural(name)) return name;
        var start = name.LastIndexOf(' ') + 1;
        var (before, word) = (name[..start], name[start..]);
        if (word.Length == 0) return name;
        foreach (var (one, many) in irregular)
            if (word.EndsWith(one, StringComparison.OrdinalIgnoreCase) && !regular.Contains(word.ToLowerInvariant()) && (one != "ox" || word.Length == 2)) return before + word[..^one.Length] + many;
        if (unchanged.Any(end => word.EndsWith(end, StringComparison.OrdinalIgnoreCase))) return name;
        if (word.EndsWith('y') && word.Length > 1 && !"aeiou".Contains(word[^2])) return before + word[..^1] + "ies";
        return name + (word[^1] is 's' or 'x' or 'z' || word.EndsWith("ch", StringComparison.Ordinal) || word.EndsWith("sh", StringComparison.Ordinal) ? "es" : "s");
    }

    private static readonly (string One, string Many)[] irregular = [("mongoose", "mongooses"), ("goose", "geese"), ("mouse", "mice"), ("wolf", "wolves"), ("knife", "knives"), ("leaf", "leaves"), ("loaf", "loaves"), ("calf", "calves"), ("shelf", "shelves"), ("scarf", "scarves"), ("foot", "feet"), ("tooth", "teeth"), ("child", "children"), ("woman", "women"), ("man", "men"), ("ox", "oxen"), ("potato", "potatoes"), ("tomato", "tomatoes")];
    private static readonly HashSet<string> regular = ["human", "german", "roman", "caiman", "shaman", "talisman"];
    private static readonly string[] unchanged = ["fish", "sheep", "deer", "bison", "aircraft", "spacecraft", "shrimp", "salmon", "trout", "squid", "glasses", "trousers", "jeans", "shorts", "series", "broccoli", "spaghetti", "ies", "ses"];
}
