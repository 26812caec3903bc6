using System.Globalization;
using System.Text;

namespace Obverse.Models;

/// <summary>Cuts cleaned text as CLIP's pattern does; by hand, because .NET's <c>\p{L}</c> sees UTF-16 halves and letters lie outside the BMP too.</summary>
internal static class WordSplitter
{
    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    private enum Kind { Space, Letter, Number, Other }

    public static List<string> Split(string text, TokenizerFlavour flavour)
    {
        var words = new List<string>();
        var at = 0;
        while (at < text.Length)
        {
            var kind = KindAt(text, at, out var length);
            if (kind == Kind.Space)
            {
                at += length;
                continue;
            }

            var end = Special(text, at, flavour);
            if (end < 0) end = Contraction(text, at, flavour);
            if (end < 0)
            {
                end = at + length;
                while (kind != Kind.Number && end < text.Length && KindAt(text, end, out length) == kind) end += length;
            }

            words.Add(text[at..end]);
            at = end;
        }

        return words;
    }

    private static int Special(string text, int at, TokenizerFlavour flavour)
    {
        if (text[at] != '<' || flavour.SpecialsBeforeCleaning) return -1;
        if (Starts(text, at, flavour.StartWord, flavour.LongSIsS)) return at + flavour.StartWord.Length;
        return Starts(text, at, flavour.EndWord, flavour.LongSIsS) ? at + flavour.EndWord.Length : -1;
    }

    private static int Contraction(string text, int at, TokenizerFlavour flavour)
    {
        if (text[at] != '\'') return -1;
        foreach (var ending in Contractions)
        {
            if (Starts(text, at, ending, flavour.LongSIsS)) return at + ending.Length;
        }

        return -1;
    }

    private static bool Starts(string text, int at, string word, bool longSIsS)
    {
        if (text.Length - at < word.Length) return false;
        for (var i = 0; i < word.Length; i++)
        {
            var given = text[at + i];
            if (given != word[i] && !(longSIsS && given == '\u017f' && word[i] == 's')) return false;
        }

        return true;
    }

    private static Kind KindAt(string text, int at, out int length)
    {
        Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out length);
        if (Rune.IsWhiteSpace(rune)) return Kind.Space;
        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Kind.Other,
        };
    }
}
