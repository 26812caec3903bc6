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
            5 => TakesArticle(entry.Name) || IsPlural(entry.Name) ? $"{WithArticle($"{adjective} {entry.Name}")} {on}" : $"{thing}, {noun}, {on}",
            6 => $"{entry.Name}, {noun}, {backdrop.Name} background",
            _ => $"{thing}, {noun}",
        };
    }

    /// <summary>"an apple", "a unicorn", "grapes", "Mount Fuji".</summary>
    public static string WithArticle(string name) => TakesArticle(name) ? $"{(StartsWithVowelSound(name) ? "an" : "a")} {name}" : name;

    static bool TakesArticle(string name) => name.Length > 0 && !IsPlural(name) && !char.IsDigit(name[0])
        && (char.IsLower(name[0]) || CapitalisedThings.Any(word => name.StartsWith(word, StringComparison.Ordinal)))
        && !Bare.Any(word => name == word || name.StartsWith(word + " ", StringComparison.Ordinal) || name.StartsWith(word + ",", StringComparison.Ordinal));

    // "rice", "one o'clock", "people hugging", "a 3D": words that stand alone; and names with a capital that are things, not persons or places.
    static readonly string[] Bare = ["people", "men", "women", "two", "three", "hands", "family", "cooked rice", "rice", "sake", "money", "bacon", "bread", "butter", "cheese", "popcorn", "salt", "ice",
        "one", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "children", "folding hands", "raising hands", "clapping hands", "music", "fog", "lightning"];
    static readonly string[] CapitalisedThings = ["Christmas tree", "Japanese castle", "Japanese post", "Japanese symbol", "ATM", "T-Rex", "OK", "3D", "Celtic"];
    static readonly string[] SingularInS = ["ss", "us", "is", "as"];
    static readonly string[] PluralFirst = ["glasses", "scissors", "jeans", "shorts", "grapes", "cherries", "olives", "beans", "peanuts", "eyes", "footprints", "skis", "bubbles"];

    // "grapes" and "green beans" are many; "cross", "hippopotamus" and "woman with glasses" are one.
    static bool IsPlural(string name)
    {
        if (name.Contains(" with ", StringComparison.Ordinal) || name.Contains(" of ", StringComparison.Ordinal) || name.Contains(" in ", StringComparison.Ordinal)) return IsPlural(name.Split(' ')[0]);
        var last = name[(name.LastIndexOf(' ') + 1)..];
        return PluralFirst.Contains(last) || last.EndsWith('s') && last.Length > 3 && !last.EndsWith("'s", StringComparison.Ordinal) && !SingularInS.Any(end => last.EndsWith(end, StringComparison.Ordinal));
    }

    static bool StartsWithVowelSound(string name)
    {
        var word = name.ToLowerInvariant();
        if (word.StartsWith("hour", StringComparison.Ordinal) || word.StartsWith("atm", StringComparison.Ordinal)) return true;
        if (word.StartsWith("uni", StringComparison.Ordinal) || word.StartsWith("use", StringComparison.Ordinal) || word.StartsWith("euro", StringComparison.Ordinal) || word.StartsWith("one", StringComparison.Ordinal)) return false;
        return "aeiou".Contains(word[0]);
    }

    static T Pick<T>(IReadOnlyList<T> from, Random random) => from[random.Next(from.Count)];
}
