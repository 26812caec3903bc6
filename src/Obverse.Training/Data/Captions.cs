using Obverse.Evaluation;
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
        var on = $"on {English.WithArticle($"{backdrop.Name} background")}";
        if (entry.Keywords.Count > 0 && random.NextDouble() < 0.2)
        {
            var keyword = Pick(entry.Keywords, random);              // "canoe", "fishing", "happy": no telling whether it takes an article
            return random.Next(4) switch
            {
                0 => keyword,
                1 => $"{keyword}, {noun}",
                2 => $"{English.WithArticle(noun)} of {keyword}",
                _ => $"{English.WithArticle(noun)} of {keyword} {on}",
            };
        }
        var thing = English.WithArticle(entry.Name);
        return random.Next(8) switch
        {
            0 => entry.Name,
            1 => thing,
            2 => $"{thing} {on}",
            3 => $"{English.WithArticle(noun)} of {thing}",
            4 => $"{English.WithArticle(noun)} of {thing} {on}",
            5 => English.TakesArticle(entry.Name) || English.IsPlural(entry.Name) && char.IsLower(entry.Name[0]) ? $"{English.WithArticle($"{adjective} {entry.Name}")} {on}" : $"{thing}, {noun}, {on}",
            6 => $"{entry.Name}, {noun}, {backdrop.Name} background",
            _ => $"{thing}, {noun}",
        };
    }

    /// <summary>"a photo of an African elephant", "a drawing of a tiger": the plainest true sentence.</summary>
    public static string Plain(PictureEntry entry)
    {
        if (!entry.IsPhoto) return $"a drawing of {English.WithArticle(entry.Name)}";
        var lower = char.ToLowerInvariant(entry.Name[0]) + entry.Name[1..];          // classes of photographs are things, capital or not
        return $"a photo of {English.WithArticle(lower)[..^lower.Length]}{entry.Name}";
    }

    static T Pick<T>(IReadOnlyList<T> from, Random random) => from[random.Next(from.Count)];
}
