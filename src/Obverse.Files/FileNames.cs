using System.Text;

namespace Obverse.Files;

/// <summary>Names of files, made from text.</summary>
public static partial class FileNames
{
    /// <summary>What file systems take for one name.</summary>
    public const string LongestName = "255 bytes";

    /// <summary>Whether a name, without its folders, is longer than file systems take: 255 bytes (on Windows letters).</summary>
    public static bool IsTooLong(string name) => (OperatingSystem.IsWindows() ? name.Length : Encoding.UTF8.GetByteCount(name)) > 255;

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
