using System.Text;

namespace Obverse.Files;

/// <summary>Names of files, made from text.</summary>
public static class FileNames
{
    /// <summary>"A fox | watercolour:0.4" becomes "a-fox-watercolour-0-4"; at most <paramref name="most"/> characters; text without a letter or digit becomes <paramref name="otherwise"/>.</summary>
    public static string Slug(string text, int most = 60, string otherwise = "picture")
    {
        var slug = new StringBuilder();
        foreach (var letter in text.ToLowerInvariant())
        {
            if (slug.Length >= most) break;
            if (char.IsLetterOrDigit(letter)) slug.Append(letter);
            else if (slug.Length > 0 && slug[^1] != '-') slug.Append('-');
        }

        return slug.ToString().Trim('-') is { Length: > 0 } name ? name : otherwise;
    }
}
