using System.Globalization;
using System.Text;

namespace Obverse.Models;

/// <summary>HTML's character references as Python's <c>html.unescape</c> reads them: all 2231 names, the old ones without a semicolon too.</summary>
internal static class HtmlText
{
    private const int LongestName = 32;

    private static readonly Dictionary<string, string> Names = ReadNames();
    private static readonly Dictionary<string, string> Shouted = ReadShouted();

    /// <summary>What the bytes 80 to 9F mean where a page counts in windows-1252 (HTML, "numeric character reference end state").</summary>
    private static readonly string Windows = "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f"
        + "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

    public static string Unescape(string text)
    {
        var at = text.IndexOf('&', StringComparison.Ordinal);
        if (at < 0) return text;
        var plain = new StringBuilder(text.Length);
        var from = 0;
        for (; at >= 0; at = text.IndexOf('&', at))
        {
            if (Reference(text, at, out var length) is not { } meaning)
            {
                at++;
                continue;
            }

            plain.Append(text, from, at - from).Append(meaning);
            from = at += length;
        }

        return plain.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>The more careful reading ftfy does first: only with a semicolon, but names in capitals (<c>&amp;EACUTE;</c>) too.</summary>
    public static string UnescapeClosed(string text)
    {
        var plain = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length;)
        {
            var end = text[at] == '&' ? ClosedEnd(text, at) : -1;
            if (end < 0)
            {
                plain.Append(text[at++]);
                continue;
            }

            var reference = text[at..end];
            end = ShortChain(text, at, end, out var shortened);
            if (shortened is not null)
            {
                plain.Append(shortened);
            }
            else if (reference[1] == '#')
            {
                var meaning = Unescape(reference);
                plain.Append(meaning.Contains(';', StringComparison.Ordinal) ? reference : meaning);
            }
            else
            {
                plain.Append(Names.TryGetValue(reference[1..], out var meaning) || Shouted.TryGetValue(reference[1..], out meaning) ? meaning : reference);
            }

            at = end;
        }

        return plain.ToString();
    }

    /// <summary>
    /// "&amp;amp;amp;amp;…" loses one link whenever the line is read again, and the line is read until nothing changes: thousands of links would cost their square. All but the last
    /// few go at once; the others of the line are settled by then.
    /// </summary>
    private static int ShortChain(string text, int at, int end, out string? shortened)
    {
        const int kept = 4;
        shortened = null;
        if (!IsAmpersand(text.AsSpan(at + 1, end - at - 1))) return end;
        var ends = new List<int> { end };
        while (ClosedEnd(text, ends[^1] - 1) is var next and > 0 && IsAmpersand(text.AsSpan(ends[^1], next - ends[^1]))) ends.Add(next);
        if (ends.Count <= kept) return end;
        shortened = "&" + text[ends[^(kept + 1)]..ends[^1]];
        return ends[^1];
    }

    private static bool IsAmpersand(ReadOnlySpan<char> name) => name is "amp;" or "AMP;" or "#38;" or "#x26;" or "#X26;";

    private static int ClosedEnd(string text, int at)
    {
        const int longest = 24;
        var from = at + 1;
        if (from < text.Length && text[from] == '#') from++;
        var end = from;
        while (end < text.Length && end - from < longest && char.IsAsciiLetterOrDigit(text[end])) end++;
        return end > from && end < text.Length && text[end] == ';' ? end + 1 : -1;
    }

    private static string? Reference(string text, int at, out int length)
    {
        length = 0;
        var from = at + 1;
        if (from < text.Length && text[from] == '#') return Numeric(text, at, out length);

        var end = from;
        while (end < text.Length && end - from < LongestName && text[end] is not ('\t' or '\n' or '\f' or ' ' or '<' or '&' or '#' or ';')) end++;
        if (end == from) return null;
        if (end < text.Length && text[end] == ';') end++;

        // Past the longest name that fits, the rest stays as text: "&notit;" is a not sign and "it;".
        for (var stop = end; stop - from > 1; stop--)
        {
            if (!Names.TryGetValue(text[from..stop], out var meaning)) continue;
            length = stop - at;
            return meaning;
        }

        return null;
    }

    private static string? Numeric(string text, int at, out int length)
    {
        var from = at + 2;
        var hexadecimal = from < text.Length && text[from] is 'x' or 'X';
        if (hexadecimal) from++;
        var end = from;
        var point = 0L;
        while (end < text.Length && (hexadecimal ? char.IsAsciiHexDigit(text[end]) : char.IsAsciiDigit(text[end])))
        {
            point = Math.Min((point * (hexadecimal ? 16 : 10)) + Convert.ToInt32(text[end].ToString(), 16), 0x110000);
            end++;
        }

        length = 0;
        if (end == from) return null;
        if (end < text.Length && text[end] == ';') end++;
        length = end - at;
        return point switch
        {
            0 or > 0x10ffff or (>= 0xd800 and <= 0xdfff) => "\ufffd",
            >= 0x80 and <= 0x9f => Windows[(int)point - 0x80].ToString(),
            '\r' => "\r",
            < 0x9 or 0xb or (>= 0xe and < 0x20) or 0x7f or (>= 0xfdd0 and <= 0xfdef) => "",
            _ => (point & 0xfffe) == 0xfffe ? "" : new Rune((int)point).ToString(),
        };
    }

    private static Dictionary<string, string> ReadNames()
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in EmbeddedTable.Lines("html-entities.txt"))
        {
            var parts = line.Split(' ');
            names[parts[0]] = string.Concat(parts.Skip(1).Select(hex => new Rune(int.Parse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToString()));
        }

        return names;
    }

    private static Dictionary<string, string> ReadShouted()
    {
        var shouted = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, meaning) in Names)
        {
            var capitals = name.ToUpperInvariant();
            if (name.EndsWith(';') && name == name.ToLowerInvariant() && Unescape("&" + capitals) == "&" + capitals)
            {
                shouted[capitals] = meaning switch
                {
                    "\u00df" => "SS",
                    "\u0149" => "\u02bcN",
                    "\u0131" => "I",
                    "\ufb00" => "FF",
                    "\ufb01" => "FI",
                    "\ufb02" => "FL",
                    "\ufb03" => "FFI",
                    "\ufb04" => "FFL",
                    _ => meaning.ToUpperInvariant(),
                };
            }
        }

        return shouted;
    }
}
