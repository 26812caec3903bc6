namespace Obverse.Evaluation;

/// <summary>
/// The ways people ask for one thing: bare, after an article, as a photo, picture or shot of it, in the plural, with a full stop. None of them changes what is to be
/// seen, so a text encoder should put them all in one place. The same <see cref="Random"/> state gives the same words.
/// </summary>
public static class Wordings
{
    /// <summary>The nine that the wording table is made of (docs/wordings.md); <c>{}</c> is the name, <c>{a}</c> the name after its article, <c>{s}</c> the plural, <c>{N}</c> upper case.</summary>
    public static IReadOnlyList<string> Measured { get; } = ["{}", "{a}", "a photo of {a}", "a picture of {a}", "an image of the {}", "a close-up photo of {a}", "{s}", "{N}", "{a}."];

    // What people write most; half of the neutral wordings are one of these.
    private static readonly string[] common = [.. Measured.Except(["{N}"]), "a photo of the {}", "a photo of {s}", "photo of {a}", "picture of {a}", "an image of {a}", "a close-up of {a}", "a close up photo of the {}", "a photograph of {a}", "the {}", "a picture of {s}", "some {s}", "a close-up photo of {s}"];
    private static readonly string[] many = ["{s}", "{s}", "{s}", "{s}.", "the {s}", "some {s}", "many {s}", "a photo of {s}", "a picture of {s}", "an image of the {s}", "a close-up photo of {s}", "photos of {s}"];
    private static readonly string[] leads = ["this is ", "here is ", "it is ", "there is ", "show me ", "draw ", "draw me ", "please draw ", "I see ", "look at ", "imagine ", "generate ", "create ", "make ", "I want "];
    private static readonly string[] nouns = ["photo", "photo", "photo", "picture", "picture", "image", "image", "photograph", "pic", "shot", "snapshot", "view", "close-up", "closeup"];
    private static readonly string[] praise = ["close-up", "closeup", "close up", "good", "nice", "clear", "sharp", "detailed", "high quality", "high-resolution", "professional", "beautiful", "stock", "colour", "color", "cropped", "real", "simple", "centred", "sharp", "full", "great", "single", "cool"];
    private static readonly string[] qualities = ["nice", "lovely", "real", "typical", "single", "lone", "cool", "good", "beautiful", "normal", "clean"];
    private static readonly string[] tails = [".", ".", ".", "!", " photo", " picture", " image", ", photo", ", photograph", ", stock photo", ", close up", ", close-up", ", high quality", ", detailed", ", 4k", " by itself", " on its own", ", centred", " in the middle", " up close"];
    private static readonly string[] articles = ["the", "the", "one", "my", "this", "some", "that", "our", "your"];

    /// <summary>The name in words that leave it what it is; of <paramref name="plurals"/> of them, more than the grammar's own fifth, it is the plural.</summary>
    public static string Neutral(string name, Random random, double plurals = 0)
    {
        if (plurals > 0 && random.NextDouble() < plurals) return Fill(Pick(many, random), name);
        if (random.Next(2) == 0) return Fill(Pick(common, random), name);
        var thing = random.Next(5) == 0 ? English.Plural(name) : name;
        if (random.Next(8) == 0) thing = $"{Pick(qualities, random)} {thing}";
        thing = random.Next(10) switch
        {
            < 2 => thing,
            < 6 => thing.StartsWith(name, StringComparison.Ordinal) && thing.Length > name.Length ? thing : English.WithArticle(thing),
            _ => $"{Pick(articles, random)} {thing}",
        };
        if (random.Next(10) < 6) thing = $"{Medium(Pick(nouns, random), random)} of {thing}";
        if (random.Next(8) == 0) thing = Pick(leads, random) + thing;
        return random.Next(4) == 0 ? thing + Pick(tails, random) : thing;
    }

    /// <summary>A caption, of any length, as a photo of what it says: nothing inside it changes.</summary>
    public static string Framed(string caption, Random random) => random.Next(4) switch
    {
        0 => caption + Pick(tails, random),
        1 => Pick(leads, random) + caption,
        _ => $"{Medium(Pick(nouns, random), random)} of {caption}",
    };

    /// <summary>A name in one of <see cref="Measured"/>'s forms, or in any form written with their marks.</summary>
    public static string Fill(string form, string name) => form
        .Replace("{a}", English.WithArticle(name), StringComparison.Ordinal)
        .Replace("{s}", English.Plural(name), StringComparison.Ordinal)
        .Replace("{N}", name.ToUpperInvariant(), StringComparison.Ordinal)
        .Replace("{}", name, StringComparison.Ordinal);

    /// <summary>What is left of "a photo of the small lady beetle" without what <see cref="Neutral"/> may put before it: "small lady beetle".</summary>
    public static string Bare(string text)
    {
        var left = text.TrimEnd('.', '!', ' ');
        if (left.IndexOf(" of ", StringComparison.Ordinal) is > 0 and var of && left[..of].Split(' ') is var words && words.Length <= 4 && (nouns.Contains(words[^1]) || words[^1] == "drawing")
            && words[..^1].All(word => word is "a" or "an" or "the" or "my" or "one" || praise.Contains(word))) left = left[(of + 4)..];
        foreach (var article in (string[])["a ", "an ", "the "])
            if (left.StartsWith(article, StringComparison.Ordinal)) left = left[article.Length..];
        return left.Length == 0 ? text : left;
    }

    /// <summary>"a close-up photo": the noun with an article and perhaps a word of praise.</summary>
    private static string Medium(string noun, Random random)
    {
        if (noun == "photo" && random.Next(20) == 0) return "itap"; // "I took a picture"; 6 of OpenAI's 80 templates
        var full = random.Next(3) == 0 ? $"{Pick(praise, random)} {noun}" : noun;
        return random.Next(10) switch
        {
            < 2 => full,
            < 3 => $"the {full}",
            _ => English.WithArticle(full),
        };
    }

    private static string Pick(string[] from, Random random) => from[random.Next(from.Length)];
}
