using System.Globalization;
using System.Text;

namespace Obverse.Models;

/// <summary>What happens to a text before it is cut into words: repair, HTML twice, single spaces, lower case.</summary>
public static class TextCleaning
{
    /// <summary>The cleaned text that the flavour's library hands to its pattern.</summary>
    public static string Clean(string text, TokenizerFlavour flavour)
    {
        if (!flavour.Repairs) return Lower(SingleSpaces(CanonicalForm.Compose(text), trim: false), finalSigma: false);
        if (!IsPlain(text)) text = HtmlText.Unescape(HtmlText.Unescape(TextRepair.Fix(text)));
        return Lower(SingleSpaces(text, trim: true), finalSigma: true);
    }

    /// <summary>Printable ASCII without an ampersand, which no repair changes: nearly every caption.</summary>
    private static bool IsPlain(string text)
    {
        foreach (var letter in text)
        {
            if (letter is < ' ' or > '~' or '&') return false;
        }

        return true;
    }

    private static string SingleSpaces(string text, bool trim)
    {
        var single = new StringBuilder(text.Length);
        var afterSpace = trim;
        foreach (var letter in text)
        {
            var space = char.IsWhiteSpace(letter);
            if (space && afterSpace) continue;
            single.Append(space ? ' ' : letter);
            afterSpace = space;
        }

        if (trim && single.Length > 0 && single[^1] == ' ') single.Length--;
        return single.ToString();
    }

    /// <summary>Unicode lower case with its one lengthening letter and, as Python has it, the sigma that ends a word.</summary>
    private static string Lower(string text, bool finalSigma)
    {
        var lower = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length;)
        {
            Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var length);
            if (rune.Value == 0x130) lower.Append("i\u0307");
            else if (rune.Value == 0x3a3 && finalSigma && EndsWord(text, at)) lower.Append('\u03c2');
            else lower.Append(Rune.ToLowerInvariant(rune).ToString());
            at += length;
        }

        return lower.ToString();
    }

    /// <summary>Unicode's Final_Sigma (SpecialCasing.txt): a cased letter before and none after, marks and apostrophes not counting.</summary>
    private static bool EndsWord(string text, int at)
    {
        var before = at;
        var rune = default(Rune);
        do
        {
            if (before == 0) return false;
            Rune.DecodeLastFromUtf16(text.AsSpan(0, before), out rune, out var length);
            before -= length;
        }
        while (IsCaseIgnorable(rune));

        if (!IsCased(rune)) return false;
        for (var after = at + 1; after < text.Length;)
        {
            Rune.DecodeFromUtf16(text.AsSpan(after), out rune, out var length);
            if (!IsCaseIgnorable(rune)) return !IsCased(rune);
            after += length;
        }

        return true;
    }

    private static bool IsCased(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter => true,
        UnicodeCategory.OtherLetter => rune.Value is 0xaa or 0xba,
        UnicodeCategory.LetterNumber => rune.Value is >= 0x2160 and <= 0x217f,
        UnicodeCategory.OtherSymbol => rune.Value is (>= 0x24b6 and <= 0x24e9) or (>= 0x1f130 and <= 0x1f149) or (>= 0x1f150 and <= 0x1f169) or (>= 0x1f170 and <= 0x1f189),
        _ => false,
    };

    private static bool IsCaseIgnorable(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol => true,
        _ => rune.Value is '\'' or '.' or ':' or 0xb7 or 0x387 or 0x55f or 0x5f4 or 0x2018 or 0x2019 or 0x2024 or 0x2027
            or 0xfe13 or 0xfe52 or 0xfe55 or 0xff07 or 0xff0e or 0xff1a,
    };
}
