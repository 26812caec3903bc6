using System.Text;

namespace Obverse.Models;

/// <summary>Undoes UTF-8 that was read as a single-byte encoding ("cafÃ©"), where the letters give it away. Our own evidence, not ftfy's table: equal on ordinary damage.</summary>
internal static class Mojibake
{
    /// <summary>Stands for a byte already lost to U+FFFD, as ftfy does it: the sequence it was part of becomes one U+FFFD.</summary>
    private const byte Lost = 0x1a;

    // ftfy's order. Windows pages keep the control character where they have no letter (WHATWG Encoding, "index single-byte").
    private static readonly Page[] Pages =
    [
        new(28591), new(1252), new(1251), new(1250), new(1253), new(1254), new(1257), new(28592), new(10000), new(437),
    ];

    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    public static char Windows1252(char control) => Pages[1].Letters[control - 0x80];

    public static string Undo(string text)
    {
        while (true)
        {
            var before = text;
            text = UndoOnce(text);
            if (text == before) return text;
        }
    }

    private static string UndoOnce(string text)
    {
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', '\u007f') < 0) return text;
        foreach (var page in Pages)
        {
            if (page.Encode(text) is not { } bytes || !IsEvident(bytes, page)) continue;
            if (Decode(bytes, page) is { } whole) return whole;
        }

        return UndoParts(text);
    }

    /// <summary>Where the whole is no UTF-8, runs of sequences that are: "l’humanitÃ©", whose quote is right already.</summary>
    private static string UndoParts(string text)
    {
        var mended = new StringBuilder(text.Length);
        for (var from = 0; from < text.Length;)
        {
            if (text[from] >= 0x80 && Part(text, from, out var end) is { } part)
            {
                mended.Append(part);
                from = end;
            }
            else
            {
                mended.Append(text[from++]);
            }
        }

        return mended.ToString();
    }

    private static string? Part(string text, int from, out int end)
    {
        foreach (var page in Pages)
        {
            // Parts of other encodings' words are too often just words: Cyrillic "ЙЉаЄ" spells UTF-8 in windows-1251.
            if (page.CodePage is not (1252 or 1250)) continue;
            end = from;
            while (Sequence(text, end, page) is var length and > 0) end += length;
            if (end > from && page.Encode(text[from..end]) is { } bytes && IsEvident(bytes, page) && Decode(bytes, page) is { } part) return part;
        }

        end = from;
        return null;
    }

    private static int Sequence(string text, int at, Page page)
    {
        if (at >= text.Length || text[at] < 0x80 || !page.Bytes.TryGetValue(text[at], out var lead)) return 0;
        var length = Length(lead);
        if (length == 0 || at + length > text.Length) return 0;
        for (var i = 1; i < length; i++)
        {
            if (!page.Bytes.TryGetValue(text[at + i], out var next) || !IsContinuation(next)) return 0;
        }

        return length;
    }

    private static int Length(byte lead) => lead switch
    {
        >= 0xc2 and <= 0xdf => 2,
        >= 0xe0 and <= 0xef => 3,
        >= 0xf0 and <= 0xf4 => 4,
        _ => 0,
    };

    private static bool IsContinuation(byte value) => value is (>= 0x80 and <= 0xbf) or Lost;

    /// <summary>Whether some sequence holds a sign nobody puts inside a word, or several follow each other; a capital before a closing quote or dash proves nothing.</summary>
    private static bool IsEvident(byte[] bytes, Page page)
    {
        var run = 0;
        for (var i = 0; i < bytes.Length;)
        {
            if (page.Latin && i > 0 && i + 1 < bytes.Length && bytes[i] == 0xc3 && bytes[i + 1] == ' ' && char.IsAsciiLetterLower((char)bytes[i - 1])) return true;
            var length = Length(bytes[i]);
            if (length == 0 || i + length > bytes.Length || !AreContinuations(bytes.AsSpan(i + 1, length - 1)))
            {
                run = 0;
                i++;
                continue;
            }

            run++;
            if (run > page.Plausible || IsOdd(bytes, i, length, page)) return true;
            i += length;
        }

        return false;
    }

    private static bool IsOdd(byte[] bytes, int at, int length, Page page)
    {
        var (lead, next) = (page.Letter(bytes[at]), page.Letter(bytes[at + 1]));

        // E2 80 begins dashes and quotes in UTF-8, the likeliest damage of all: "â€" (and "вЂ", "‚Ä", "ΓÇ").
        if (bytes[at] == 0xe2 && bytes[at + 1] == 0x80) return true;
        if (page.Latin && (bytes[at] is 0xc2 or 0xc3 || (length > 2 && HasLetter(bytes.AsSpan(at + 1, length - 1), page)))) return true;
        if (!char.IsLetter(lead))
        {
            return page.CodePage switch
            {
                10000 => (lead == '√' && next != '…') || (lead == '¬' && next != '´' && !char.IsPunctuation(next)),
                437 => lead is '├' or '┬' && (char.IsLetter(next) || next is '¡' or '¿' or '«' or '»' or '¬'),
                _ => char.IsLetter(next),
            };
        }

        if (page.CodePage == 10000) return false;
        for (var i = at + 1; i < at + length; i++)
        {
            var letter = page.Letter(bytes[i]);
            if (MayOpen(letter) ? i + 1 < bytes.Length && char.IsLetterOrDigit(page.Letter(bytes[i + 1])) : !MayFollowLetter(letter)) return true;
        }

        return false;
    }

    private static bool HasLetter(Span<byte> bytes, Page page)
    {
        foreach (var value in bytes)
        {
            if (char.IsLetter(page.Letter(value))) return true;
        }

        return false;
    }

    private static bool AreContinuations(Span<byte> bytes)
    {
        foreach (var value in bytes)
        {
            if (!IsContinuation(value)) return false;
        }

        return true;
    }

    /// <summary>Signs that open something: odd after a letter only where a letter comes next.</summary>
    private static bool MayOpen(char letter) => letter is '¡' or '¿' or '«' or '©' or '‘' or '‚' or '“' or '„' or '•' or '‹';

    private static bool MayFollowLetter(char letter) =>
        letter is '…' or '–' or '—' or '’' or '”' or '›' or '»' or '™' or '®' or '·' or '´' or '\u00a0' or '\u00ad' 
        || (char.IsLetter(letter) && char.GetUnicodeCategory(letter) != System.Globalization.UnicodeCategory.ModifierLetter && letter is not ('ƒ' or 'ª' or 'º' or 'µ'));

    private static string? Decode(byte[] bytes, Page page)
    {
        bytes = Restore(bytes);
        var letters = new StringBuilder(bytes.Length);
        for (var i = 0; i < bytes.Length;)
        {
            if (bytes[i] < 0x80)
            {
                letters.Append(bytes[i] == Lost ? '\ufffd' : (char)bytes[i]);
                i++;
                continue;
            }

            var length = Length(bytes[i]);
            if (length == 0 || i + length > bytes.Length) return null;
            var sequence = bytes.AsSpan(i, length);

            // CESU-8: a character outside the BMP as two halves of three bytes each.
            if (bytes.AsSpan(i) is [0xed, >= 0xa0 and <= 0xaf, >= 0x80 and <= 0xbf, 0xed, >= 0xb0 and <= 0xbf, >= 0x80 and <= 0xbf, ..])
            {
                letters.Append((char)(0xd000 | ((bytes[i + 1] & 0x3f) << 6) | (bytes[i + 2] & 0x3f))).Append((char)(0xd000 | ((bytes[i + 4] & 0x3f) << 6) | (bytes[i + 5] & 0x3f)));
                i += 6;
                continue;
            }

            if (sequence[1..].Contains(Lost))
            {
                if (!AreContinuations(sequence[1..])) return null;
                letters.Append('\ufffd');
            }
            else
            {
                try
                {
                    letters.Append(Utf8.GetString(sequence));
                }
                catch (DecoderFallbackException)
                {
                    return null;
                }
            }

            i += length;
        }

        return letters.ToString();

        // A no-break space (A0) is often an ordinary one by now: "voilÃ  le" is "voilà le".
        byte[] Restore(byte[] given)
        {
            if (!page.Latin) return given;
            var restored = new List<byte>(given.Length + 4);
            for (var i = 0; i < given.Length; i++)
            {
                restored.Add(given[i]);
                if (i + 1 >= given.Length || given[i + 1] != ' ') continue;
                if (given[i] == 0xc3)
                {
                    restored.Add(0xa0);
                    if (i + 2 < given.Length && given[i + 2] == ' ') i++;
                }
                else if (given[i] is 0xc2 or 0xc5 or 0xce or 0xd0 || (given[i] is >= 0xe0 and <= 0xef && i + 2 < given.Length && given[i + 2] is >= 0x80 and <= 0xbf))
                {
                    restored.Add(0xa0);
                    i++;
                }
            }

            return [.. restored];
        }
    }

    /// <summary>One single-byte encoding, both ways.</summary>
    private sealed class Page
    {
        public readonly char[] Letters = new char[128];
        public readonly Dictionary<char, byte> Bytes = [];

        public Page(int codePage)
        {
            CodePage = codePage;
            Latin = codePage is 28591 or 1252;
            Plausible = Latin ? 1 : codePage == 10000 ? int.MaxValue : 2;
            var encoding = codePage == 28591 ? Encoding.Latin1 : CodePagesEncodingProvider.Instance.GetEncoding(codePage)!;
            for (var value = 0x80; value < 0x100; value++)
            {
                var letter = encoding.GetString([(byte)value])[0];
                if (letter is '\ufffd' or (>= '\ue000' and < '\uf8ff')) letter = (char)value;
                Letters[value - 0x80] = letter;
                Bytes[letter] = (byte)value;
            }

            if (codePage is >= 1250 and <= 1257) Bytes['\ufffd'] = Lost;
        }

        /// <summary>Windows-1252 and its subset, in which nearly all damage is done.</summary>
        public bool Latin { get; }

        /// <summary>How many sequences in a row could still be a word of the encoding's own languages.</summary>
        public int Plausible { get; }

        public int CodePage { get; }

        public char Letter(byte value) => value == Lost ? '\ufffd' : value < 0x80 ? (char)value : Letters[value - 0x80];

        public byte[]? Encode(string text)
        {
            var bytes = new byte[text.Length];
            for (var i = 0; i < text.Length; i++)
            {
                if (text[i] < 0x80) bytes[i] = (byte)text[i];
                else if (Bytes.TryGetValue(text[i], out var value)) bytes[i] = value;
                else return null;
            }

            return bytes;
        }
    }
}
