using System.IO.Compression;
using System.Text;

namespace Obverse.Imaging;

/// <summary>Keywords and texts inside a PNG file: how a run is written into its own picture.</summary>
public static class PngText
{
    /// <summary>Whether a file begins as a PNG does.</summary>
    public static bool IsPng(ReadOnlySpan<byte> file) => file.StartsWith(Png.Signature);

    /// <summary>Longest text read; a compressed one that grows past it is an error, not a full memory.</summary>
    public const int MaxLength = 16 << 20;

    /// <summary>The PNG file with one more text; one of the same keyword that was there before stays.</summary>
    /// <param name="png">A whole PNG file.</param>
    /// <param name="keyword">1 to 79 printable Latin-1 characters, no space at either end.</param>
    /// <param name="text">Any Unicode text without U+0000.</param>
    public static byte[] Add(ReadOnlySpan<byte> png, string keyword, string text) => Add(png, [new(keyword, text)]);

    /// <summary>The PNG file with these texts before its pixels, as iTXt (PNG 3rd edition, 11.3.3.4), or as tEXt where the text is plain ASCII.</summary>
    /// <exception cref="PictureException">Not a PNG file.</exception>
    /// <exception cref="ArgumentException">A keyword or text that the format cannot hold.</exception>
    public static byte[] Add(ReadOnlySpan<byte> png, IEnumerable<KeyValuePair<string, string>> texts)
    {
        var chunks = ChunksOf(texts);
        foreach (var chunk in Png.Chunks(png, "PNG"))
        {
            if (chunk.Type == "IDAT") return [.. png[..(chunk.Start - 8)], .. chunks, .. png[(chunk.Start - 8)..]];
        }

        throw new PictureException("PNG", "no IDAT chunk to put text before");
    }

    /// <summary>The chunks of texts alone.</summary>
    /// <exception cref="ArgumentException">A keyword or text that the format cannot hold.</exception>
    internal static byte[] ChunksOf(IEnumerable<KeyValuePair<string, string>> texts)
    {
        using var chunks = new MemoryStream();
        foreach (var (keyword, text) in texts)
        {
            if (keyword.Length is < 1 or > 79 || keyword.Trim() != keyword || keyword.Contains("  ") || keyword.Any(c => c is < ' ' or (> '~' and < '\u00A1') or > '\u00FF'))
            {
                throw new ArgumentException($"PNG keyword '{keyword}': wanted 1 to 79 printable Latin-1 characters without spaces at the ends or in a row");
            }

            if (text.Contains('\0')) throw new ArgumentException($"PNG text '{keyword}' contains U+0000");
            byte[] head = [.. Encoding.Latin1.GetBytes(keyword), 0];
            if (Ascii.IsValid(text)) Png.WriteChunk(chunks, "tEXt"u8, [.. head, .. Encoding.ASCII.GetBytes(text)]);
            else Png.WriteChunk(chunks, "iTXt"u8, [.. head, 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(text)]);   // not compressed, no language, no translated keyword
        }

        return chunks.ToArray();
    }

    /// <summary>Every tEXt, zTXt and iTXt of a PNG file, in order; damaged ones are left out.</summary>
    /// <exception cref="PictureException">Not a PNG file, or cut off.</exception>
    public static IReadOnlyList<KeyValuePair<string, string>> Read(string path) => Read(Picture.ReadFile(path), path);

    /// <inheritdoc cref="Read(string)"/>
    public static IReadOnlyList<KeyValuePair<string, string>> Read(ReadOnlySpan<byte> png, string name)
    {
        var found = new List<KeyValuePair<string, string>>();
        foreach (var chunk in Png.Chunks(png, name))
        {
            if (chunk.Type is not ("tEXt" or "zTXt" or "iTXt") || !chunk.Intact(png)) continue;
            var data = png.Slice(chunk.Start, chunk.Length);
            var end = data.IndexOf((byte)0);
            if (end is < 1 or > 79) continue;
            if (Parse(chunk.Type, data[(end + 1)..]) is { } text) found.Add(new(Encoding.Latin1.GetString(data[..end]), text));
        }

        return found;
    }

    /// <summary>Refuses a PNG of which any byte has changed: every chunk has a checksum.</summary>
    /// <exception cref="PictureException">Damaged, cut off, or no PNG.</exception>
    public static void MustBeIntact(ReadOnlySpan<byte> png, string name)
    {
        foreach (var chunk in Png.Chunks(png, name)) if (!chunk.Intact(png)) throw new PictureException(name, $"PNG damaged: CRC of chunk {chunk.Type} is wrong");
    }

    private static string? Parse(string type, ReadOnlySpan<byte> data)
    {
        if (type == "tEXt") return Encoding.Latin1.GetString(data);
        if (type == "zTXt") return data.Length > 0 && data[0] == 0 && Inflate(data[1..]) is { } latin ? Encoding.Latin1.GetString(latin) : null;
        if (data.Length < 4 || data[0] > 1 || data[1] != 0) return null;
        var compressed = data[0] == 1;
        data = data[2..];
        for (var i = 0; i < 2; i++)   // language tag, translated keyword
        {
            var end = data.IndexOf((byte)0);
            if (end < 0) return null;
            data = data[(end + 1)..];
        }

        return !compressed ? Encoding.UTF8.GetString(data) : Inflate(data) is { } text ? Encoding.UTF8.GetString(text) : null;
    }

    private static byte[]? Inflate(ReadOnlySpan<byte> data)
    {
        try
        {
            using var zlib = new ZLibStream(new MemoryStream(data.ToArray()), CompressionMode.Decompress);
            var text = new MemoryStream();
            var block = new byte[8192];
            for (int n; (n = zlib.Read(block)) > 0;)
            {
                if (text.Length + n > MaxLength) return null;
                text.Write(block, 0, n);
            }

            return text.ToArray();
        }
        catch (Exception e) when (e is InvalidDataException or IOException) // as in Png
        {
            return null;
        }
    }
}
