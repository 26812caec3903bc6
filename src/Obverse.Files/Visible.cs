using System.Globalization;
using System.Text;

namespace Obverse.Files;

/// <summary>Texts that others wrote, as they may be shown: in one line, and with nothing that a terminal would obey.</summary>
public static class Visible
{
    /// <summary>The text with its control characters, line ends, halves of surrogate pairs and marks that reverse the writing direction as escapes: <c>\u001b</c>. Tabs, which only move on, stay. A text without them is returned as it is.</summary>
    public static string Of(string text)
    {
        var first = First(text, 0);
        if (first < 0) return text;
        var shown = new StringBuilder(text.Length + 16);
        for (var from = 0; ; first = First(text, from))
        {
            if (first < 0) return shown.Append(text, from, text.Length - from).ToString();
            shown.Append(text, from, first - from).Append(CultureInfo.InvariantCulture, $"\\u{(int)text[first]:x4}");
            from = first + 1;
        }
    }

    /// <summary>The first <paramref name="length"/> characters of a text, and … for the others; a surrogate pair is not halved.</summary>
    public static string Start(string text, int length = 40) => text.Length <= length ? text : text[..(char.IsSurrogatePair(text, length - 1) ? length - 1 : length)] + "…";

    private static int First(string text, int from)
    {
        for (var i = from; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text, i)) i++;
            else if ((char.IsControl(text[i]) && text[i] != '\t') || char.IsSurrogate(text[i]) || text[i] is '\u061C' or '\u200E' or '\u200F' or '\u2028' or '\u2029' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') or '\uFEFF') return i;
        }

        return -1;
    }
}
