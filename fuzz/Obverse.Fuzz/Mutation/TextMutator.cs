using System.Text;

namespace Obverse.Fuzz;

/// <summary>Any UTF-16, halves of pairs too: runs out of the blocks that cleaning treats apart, and fragments repeated many times. Stored two bytes a unit.</summary>
internal static class TextMutator
{
    private static readonly (int From, int To)[] blocks =
    [
        (0, 0x20), (0x20, 0x7f), (0x80, 0xa0), (0xa0, 0x180), (0x180, 0x250), (0x2b0, 0x300), (0x300, 0x370), (0x370, 0x400), (0x400, 0x530), (0x590, 0x700), (0x1100, 0x1200), (0x2000, 0x2070),
        (0x2100, 0x2200), (0x2460, 0x2500), (0x3040, 0x3100), (0x4e00, 0x4f00), (0xac00, 0xad00), (0xd800, 0xdc00), (0xdc00, 0xe000), (0xe000, 0xe100), (0xf900, 0xfb50), (0xfe00, 0xfe70), (0xff00, 0x10000), (0x1d400, 0x1d500), (0x1f300, 0x1fa00), (0xe0000, 0xe0080),
    ];

    private static readonly string[] fragments =
    [
        "a photo of a cat", "'s", "'ll", "<|startoftext|>", "<|endoftext|>", "<start_of_text>", "<end_of_text>", "&amp;", "&amp;amp;", "amp;", "&lt;b&gt;", "&#x1F600;", "&#55296;", "&notit;", "&EACUTE;", "\u00c3\u00a9", "\u00e2\u20ac\u2122", "\u00c3\u0192\u00c2\u00a9",
        "\u00f0\u0178\u02dc\u20ac", "\u0130", "\u03a3", "\ufb01", "\ufeff", "\x1b[31m", "\r\n", "\u2028", " ", "12345", "e\u0301\u0323", "\u0323\u0301", "\u1100\u1161\u11a8", "\ud83d\ude00", "\ud83d", "\ude00", "\uffff", "\0",
    ];

    public static byte[] Mutate(Random random, byte[] input)
    {
        var text = new StringBuilder(Text(input));
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            var part = random.Next(2) == 0 ? fragments[random.Next(fragments.Length)] : Run(random);
            // Seldom a very long text: what is quadratic shows there.
            if (random.Next(100) == 0) part = string.Concat(Enumerable.Repeat(part, random.Next(1, Math.Max(2, 60_000 / Math.Max(1, part.Length)))));
            text.Insert(random.Next(text.Length + 1), part);
        }

        return Bytes(text.ToString());
    }

    public static string Text(byte[] input)
    {
        var letters = new char[input.Length / 2];
        for (var i = 0; i < letters.Length; i++) letters[i] = (char)(input[i * 2] | input[i * 2 + 1] << 8);
        return new(letters);
    }

    public static byte[] Bytes(string text) => [.. text.SelectMany(c => new[] { (byte)c, (byte)(c >> 8) })];

    private static string Run(Random random)
    {
        var block = blocks[random.Next(blocks.Length)];
        var run = new StringBuilder();
        for (var length = random.Next(1, 24); length > 0; length--)
        {
            var point = random.Next(block.From, block.To);
            if (point > 0xffff) run.Append(char.ConvertFromUtf32(point));
            else run.Append((char)point);
        }

        return run.ToString();
    }
}
