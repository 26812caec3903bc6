using System.Text;

namespace Obverse.Models;

/// <summary>GPT-2's printable stand-ins for the 256 bytes, in the order that gives CLIP's first 256 ids.</summary>
internal static class ByteAlphabet
{
    public const string EndOfWord = "</w>";

    /// <summary>The stand-in of each byte.</summary>
    public static readonly char[] OfByte = new char[256];

    /// <summary>The stand-ins in vocabulary order: printable bytes first, then the 68 that are not.</summary>
    public static readonly char[] Ordered = new char[256];

    private static readonly Dictionary<char, byte> ByteOf = [];

    static ByteAlphabet()
    {
        var at = 0;
        foreach (var printable in new[] { true, false })
        {
            var unprintable = 0;
            for (var value = 0; value < 256; value++)
            {
                if (value is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174 != printable) continue;
                var letter = (char)(printable ? value : 0x100 + unprintable++);
                OfByte[value] = letter;
                Ordered[at++] = letter;
                ByteOf[letter] = (byte)value;
            }
        }
    }

    /// <summary>The text that a joined run of stand-ins spells; bytes that are no UTF-8 become U+FFFD.</summary>
    public static string Spell(string letters)
    {
        var bytes = new byte[letters.Length];
        var count = 0;
        foreach (var letter in letters)
        {
            if (ByteOf.TryGetValue(letter, out var value)) bytes[count++] = value;
        }

        return Encoding.UTF8.GetString(bytes, 0, count);
    }
}
