using System.Text;
using System.Text.RegularExpressions;

namespace Obverse.Models;

/// <summary>Mends text as ftfy's <c>fix_text</c> does with its defaults (https://ftfy.readthedocs.io): each line until nothing changes any more.</summary>
internal static partial class TextRepair
{
    private const string HalfWidthFrom61 = "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン\u3099\u309a"
        + "\u1160\u1100\u1101\u11aa\u1102\u11ac\u11ad\u1103\u1104\u1105\u11b0\u11b1\u11b2\u11b3\u11b4\u11b5\u111a\u1106\u1107\u1108\u1121\u1109\u110a\u110b\u110c\u110d\u110e\u110f\u1110\u1111\u1112"
        + "\uffbf\uffc0\uffc1\u1161\u1162\u1163\u1164\u1165\u1166\uffc8\uffc9\u1167\u1168\u1169\u116a\u116b\u116c\uffd0\uffd1\u116d\u116e\u116f\u1170\u1171\u1172\uffd8\uffd9\u1173\u1174\u1175"
        + "\uffdd\uffde\uffdf\u00a2\u00a3\u00ac\uffe3\u00a6\u00a5\u20a9\uffe7\u2502\u2190\u2191\u2192\u2193\u25a0\u25cb";

    public static string Fix(string text)
    {
        var mended = new StringBuilder(text.Length);
        var unescape = true;
        for (var from = 0; from < text.Length;)
        {
            var end = text.IndexOf('\n', from) is var found and >= 0 ? found + 1 : text.Length;
            var line = text[from..end];

            // Text with a tag in it is HTML, where an entity is meant.
            unescape &= !line.Contains('<', StringComparison.Ordinal);
            mended.Append(FixLine(line, unescape));
            from = end;
        }

        return mended.ToString();
    }

    private static string FixLine(string line, bool unescape)
    {
        while (true)
        {
            var before = line;
            if (unescape) line = HtmlText.UnescapeClosed(line);
            line = Mojibake.Undo(line);
            line = Letters(line);
            line = line.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Replace('\u2028', '\n').Replace('\u2029', '\n').Replace('\u0085', '\n');
            line = TerminalEscape().Replace(line, "");
            line = Controls(line);
            line = CanonicalForm.Compose(line);
            if (line == before) return line;
        }
    }

    [GeneratedRegex(@"\x1b\[[0-9;]*[a-zA-Z]")]
    private static partial Regex TerminalEscape();

    /// <summary>Letter by letter: C1 controls as windows-1252 has them, ligatures, widths, quotes, halves of no pair.</summary>
    private static string Letters(string line)
    {
        var mended = new StringBuilder(line.Length);
        for (var i = 0; i < line.Length; i++)
        {
            var letter = line[i];
            switch (letter)
            {
                case >= '\u0080' and <= '\u009f': mended.Append(Quote(Mojibake.Windows1252(letter))); break;
                case '\u0132': mended.Append("IJ"); break;
                case '\u0133': mended.Append("ij"); break;
                case '\u0149': mended.Append("'n"); break;
                case '\u01c4': mended.Append("D\u017d"); break;
                case '\u01c5': mended.Append("D\u017e"); break;
                case '\u01c6': mended.Append("d\u017e"); break;
                case '\u01c7': mended.Append("LJ"); break;
                case '\u01c8': mended.Append("Lj"); break;
                case '\u01c9': mended.Append("lj"); break;
                case '\u01ca': mended.Append("NJ"); break;
                case '\u01cb': mended.Append("Nj"); break;
                case '\u01cc': mended.Append("nj"); break;
                case '\u01f1': mended.Append("DZ"); break;
                case '\u01f2': mended.Append("Dz"); break;
                case '\u01f3': mended.Append("dz"); break;
                case '\ufb00': mended.Append("ff"); break;
                case '\ufb01': mended.Append("fi"); break;
                case '\ufb02': mended.Append("fl"); break;
                case '\ufb03': mended.Append("ffi"); break;
                case '\ufb04': mended.Append("ffl"); break;
                case '\ufb05': mended.Append("\u017ft"); break;
                case '\ufb06': mended.Append("st"); break;
                case '\u3000': mended.Append(' '); break;
                case >= '\uff01' and <= '\uff5e': mended.Append((char)(letter - 0xfee0)); break;
                case '\uff5f': mended.Append('\u2985'); break;
                case '\uff60': mended.Append('\u2986'); break;
                case '\uffe3': mended.Append(" \u0304"); break;
                case >= '\uff61' and <= '\uffee': mended.Append(HalfWidthFrom61[letter - 0xff61]); break;
                default:
                    if (!char.IsSurrogate(letter)) mended.Append(Quote(letter));
                    else if (i + 1 < line.Length && char.IsSurrogatePair(letter, line[i + 1])) mended.Append(letter).Append(line[++i]);
                    else mended.Append('\ufffd');
                    break;
            }
        }

        return mended.ToString();
    }

    private static char Quote(char letter) => letter switch
    {
        '\u02bc' or (>= '\u2018' and <= '\u201b') => '\'',
        >= '\u201c' and <= '\u201f' => '"',
        _ => letter,
    };

    private static string Controls(string line)
    {
        var kept = new StringBuilder(line.Length);
        foreach (var letter in line)
        {
            if (letter is < '\t' or '\u000b' or (>= '\u000e' and < ' ') or '\u007f' or (>= '\u206a' and <= '\u206f') or '\ufeff' or (>= '\ufff9' and <= '\ufffc')) continue;
            kept.Append(letter);
        }

        return kept.ToString();
    }
}
