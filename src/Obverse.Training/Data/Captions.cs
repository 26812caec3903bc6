using Obverse.Models;

namespace Obverse.Training;

/// <summary>A caption, and for a drawing the colour it must be laid on to be true.</summary>
public readonly record struct Caption(string Text, Backdrop? Backdrop);

/// <summary>Says in words what an entry of a <see cref="PictureSet"/> shows; the same <see cref="Random"/> state gives the same words.</summary>
public static class Captions
{
    /// <summary>A background for a drawing and a caption that may name it; for a photograph one of its names in one of the 80 ImageNet templates.</summary>
    public static Caption Draw(PictureEntry entry, Random random)
    {
        if (entry.IsPhoto) return new(Photo(entry, random), null);
        var backdrop = Pick(Backdrop.All, random).Shade(random);
        return new(Drawing(entry, backdrop, random), backdrop);
    }

    public static string Photo(PictureEntry entry, Random random)
    {
        // The first name is the one people say; "Rana catesbeiana" is true of a bullfrog, and rarer.
        var name = random.NextDouble() < 0.5 ? entry.Name : Pick(entry.Names, random);
        return ImageNetTemplates.Fill(Pick(ImageNetTemplates.All, random), name);
    }

    public static string Drawing(PictureEntry entry, Backdrop backdrop, Random random)
    {
        var style = EmojiStyle.Find(entry.Style) ?? throw new ArgumentException($"'{entry.Style}' is no emoji style; known are {string.Join(", ", EmojiStyle.All.Select(known => known.Set))}.");
        var (noun, adjective) = (Pick(style.Nouns, random), Pick(style.Adjectives, random));
        var on = $"on {WithArticle($"{backdrop.Name} background")}";
        if (entry.Keywords.Count > 0 && random.NextDouble() < 0.2)
        {
            var keyword = Pick(entry.Keywords, random);              // "canoe", "fishing", "happy": no telling whether it takes an article
            return random.Next(4) switch
            {
                0 => keyword,
                1 => $"{keyword}, {noun}",
                2 => $"{WithArticle(noun)} of {keyword}",
                _ => $"{WithArticle(noun)} of {keyword} {on}",
            };
        }
        var thing = WithArticle(entry.Name);
        return random.Next(8) switch
        {
            0 => entry.Name,
            1 => thing,
            2 => $"{thing} {on}",
            3 => $"{WithArticle(noun)} of {thing}",
            4 => $"{WithArticle(noun)} of {thing} {on}",
            5 => TakesArticle(entry.Name) || IsPlural(entry.Name) && char.IsLower(entry.Name[0]) ? $"{WithArticle($"{adjective} {entry.Name}")} {on}" : $"{thing}, {noun}, {on}",
            6 => $"{entry.Name}, {noun}, {backdrop.Name} background",
            _ => $"{thing}, {noun}",
        };
    }

    /// <summary>"a photo of an African elephant", "a drawing of a tiger": the plainest true sentence.</summary>
    public static string Plain(PictureEntry entry)
    {
        if (!entry.IsPhoto) return $"a drawing of {WithArticle(entry.Name)}";
        var lower = char.ToLowerInvariant(entry.Name[0]) + entry.Name[1..];          // classes of photographs are things, capital or not
        return $"a photo of {WithArticle(lower)[..^lower.Length]}{entry.Name}";
    }

    /// <summary>"an apple", "a unicorn", "grapes", "Mount Fuji".</summary>
    public static string WithArticle(string name) => TakesArticle(name) ? $"{(StartsWithVowelSound(name) ? "an" : "a")} {name}" : name;

    static bool TakesArticle(string name) => name.Length > 0 && !IsPlural(name) && !Uncounted.Contains(name) && !IsActivity(name)
        && (char.IsLower(name[0]) || char.IsDigit(name[0]) || CapitalisedThings.Any(word => name.StartsWith(word, StringComparison.Ordinal)) || name.EndsWith(" button", StringComparison.Ordinal) || name.EndsWith(" arrow", StringComparison.Ordinal))
        && !NumbersAndPeople.Contains(FirstWord(name)) && !name.EndsWith("o'clock", StringComparison.Ordinal) && !name.EndsWith("-thirty", StringComparison.Ordinal);

    static readonly HashSet<string> NumbersAndPeople = ["people", "men", "women", "two", "three", "children", "no"];
    static readonly HashSet<string> Uncounted = ["american football", "bacon", "badminton", "bread", "broccoli", "bubble tea", "butter", "canned food", "clapping hands", "cooked rice", "coral", "curry rice", "dna", "fog",
        "folding hands", "lightning", "money", "money with wings", "music", "nail polish", "non-potable water", "oden", "popcorn", "potable water", "raising hands", "rugby football", "sake", "salt", "shaved ice", "skull and crossbones",
        "soap", "spaghetti", "sushi", "tennis", "thread", "wood", "yarn"];
    static readonly string[] CapitalisedThings = ["Christmas tree", "Japanese", "ATM", "T-Rex", "OK", "Celtic"];
    static readonly HashSet<string> OneInS = ["rhinoceros", "canvas", "christmas", "lens"];
    static readonly HashSet<string> ThingsInIng = ["building", "ring", "wing", "king", "string", "painting", "earring", "seedling", "dumpling", "viking"];

    static string FirstWord(string name) => name.Split(' ', ',')[0];
    static bool IsActivity(string name) => !name.Contains(' ') && !name.Contains('-') && name.Length > 5 && name.EndsWith("ing", StringComparison.Ordinal) && !ThingsInIng.Contains(name);

    // What the head noun is: "woman lifting weights" and "pot of beans" are one, "shopping bags" and "busts in silhouette" are many.
    static bool IsPlural(string name)
    {
        if (FirstWord(name) is "man" or "woman" or "person" or "face" or "eye" or "sunrise") return false;
        var head = name;
        foreach (var joint in (string[])[" with ", " of ", " in ", " on ", ", "])
            if (head.IndexOf(joint, StringComparison.Ordinal) is > 0 and var at) head = head[..at];
        var last = head[(head.LastIndexOf(' ') + 1)..];
        return last.Length > 3 && last.EndsWith('s') && !last.EndsWith("ss", StringComparison.Ordinal) && !last.EndsWith("us", StringComparison.Ordinal) && !last.EndsWith("is", StringComparison.Ordinal)
            && !last.EndsWith("'s", StringComparison.Ordinal) && !OneInS.Contains(last) || last is "skis";
    }

    static bool StartsWithVowelSound(string name)
    {
        var word = name.ToLowerInvariant();
        if (word.StartsWith("hour", StringComparison.Ordinal) || word.StartsWith("x-ray", StringComparison.Ordinal) || word.StartsWith("sos", StringComparison.Ordinal)) return true;
        foreach (var consonant in (string[])["uni", "use", "euro", "one", "ewe"])
            if (word.StartsWith(consonant, StringComparison.Ordinal)) return false;
        return "aeiou8".Contains(word[0]);
    }

    static T Pick<T>(IReadOnlyList<T> from, Random random) => from[random.Next(from.Count)];
}
