using System.Buffers.Binary;
using System.IO.Compression;
using Obverse.Imaging;
using Obverse.Models;

namespace Obverse.Fuzz;

/// <summary>Small pictures of every kind that can be made without a fixture.</summary>
internal static class PictureSeeds
{
    public static IEnumerable<byte[]> Pngs()
    {
        yield return Draw(11, 7, false).EncodePng();
        yield return PngText.Add(Draw(5, 6, true).EncodePng(), [new("Title", "a fox"), new("Comment", "r\u00e9sum\u00e9 \u2603")]);
        foreach (var (colour, channels, depths) in ((int, int, int[])[])[(0, 1, [1, 2, 4, 8, 16]), (2, 3, [8, 16]), (3, 1, [1, 2, 4, 8]), (4, 2, [8, 16]), (6, 4, [8, 16])])
        {
            foreach (var depth in depths)
            {
                yield return Png(9, 7, colour, channels, depth, interlaced: false);
                yield return Png(9, 7, colour, channels, depth, interlaced: true);
            }
        }
    }

    public static IEnumerable<byte[]> Jpegs() => [Draw(19, 13, false).EncodeJpeg(70), Draw(1, 1, false).EncodeJpeg(30)];

    public static IEnumerable<byte[]> WebPs()
    {
        foreach (var alpha in (bool[])[false, true])
        {
            yield return Draw(17, 12, alpha).EncodeWebp(60);
            yield return Draw(17, 12, alpha).EncodeWebp(lossless: true);
        }

        yield return Film(".webp");
    }

    public static IEnumerable<byte[]> Gifs() => [Film(".gif")];

    /// <summary>Every depth, both row orders, both headers, masks, and run lengths.</summary>
    public static IEnumerable<byte[]> Bmps()
    {
        foreach (var bits in (int[])[1, 4, 8, 16, 24, 32]) yield return Bmp(9, 7, bits, 0, 40, new byte[(9 * bits + 31) / 32 * 4 * 7]);
        yield return Bmp(9, -7, 24, 0, 40, new byte[28 * 7]);
        yield return Bmp(9, 7, 16, 3, 56, new byte[20 * 7]);
        yield return Bmp(9, 7, 32, 3, 108, new byte[36 * 7]);
        yield return Bmp(9, 3, 8, 1, 40, [9, 5, 0, 0, 0, 3, 1, 2, 3, 0, 4, 7, 0, 2, 1, 0, 1, 6, 0, 1]);
        yield return Bmp(9, 3, 4, 2, 40, [9, 0x5A, 0, 0, 0, 5, 0x12, 0x34, 0x50, 0, 3, 0x77, 0, 2, 1, 0, 1, 0x60, 0, 1]);
    }

    private static Picture Draw(int width, int height, bool alpha)
    {
        var random = new Random(width * 31 + height);
        byte[] rgb = new byte[width * height * 3], opacity = new byte[width * height];
        for (var i = 0; i < rgb.Length; i++) rgb[i] = (byte)(i * 5 + random.Next(20));
        for (var i = 0; i < opacity.Length; i++) opacity[i] = (byte)(i * 9);
        return new Picture(width, height, rgb, alpha ? opacity : null);
    }

    private static byte[] Film(string extension)
    {
        var path = Path.Combine(Scratch.Folder, "seed" + extension);
        using (var film = Imaging.Film.Open(path, 5))
        {
            film.Add(Draw(12, 9, false));
            film.Add(Draw(12, 9, false).Resize(6, 4).Resize(12, 9));
            film.Finish();
        }

        var bytes = File.ReadAllBytes(path);
        File.Delete(path);
        return bytes;
    }

    private static byte[] Png(int width, int height, int colour, int channels, int depth, bool interlaced)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = ((byte)depth, (byte)colour, (byte)(interlaced ? 1 : 0));
        var plain = new byte[2 * (height + 8) * (1 + width * channels * Math.Max(1, depth / 8))]; // more than is read: all filters are 0 or 1
        for (var i = 0; i < plain.Length; i++) plain[i] = (byte)(i & 1);
        var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true)) zlib.Write(plain);
        var file = new MemoryStream();
        file.Write(Imaging.Png.Signature);
        Imaging.Png.WriteChunk(file, "IHDR"u8, header);
        if (colour == 3) Imaging.Png.WriteChunk(file, "PLTE"u8, [.. Enumerable.Range(0, 3 << depth).Select(i => (byte)i)]);
        if (colour is 0 or 2 or 3) Imaging.Png.WriteChunk(file, "tRNS"u8, [0, 1, 0, 1, 0, 1]);
        Imaging.Png.WriteChunk(file, "eXIf"u8, [.. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]);
        Imaging.Png.WriteChunk(file, "IDAT"u8, packed.ToArray());
        Imaging.Png.WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    internal static byte[] Bmp(int width, int height, int bits, int compression, int header, byte[] pixels)
    {
        byte[] palette = bits <= 8 ? [.. Enumerable.Range(0, 4 << bits).Select(i => (byte)(i * 7))] : [];
        var file = new byte[14 + header + palette.Length + pixels.Length];
        "BM"u8.CopyTo(file);
        void Put(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
        Put(2, file.Length);
        Put(10, 14 + header + palette.Length);
        Put(14, header);
        Put(18, width);
        Put(22, height);
        Put(26, 1 | bits << 16);
        Put(30, compression);
        if (header >= 56)
        {
            int[] masks = bits == 16 ? [0xF800, 0x7E0, 0x1F, 0] : [0xFF0000, 0xFF00, 0xFF, unchecked((int)0xFF000000)];
            for (var i = 0; i < 4; i++) Put(54 + i * 4, masks[i]);
        }

        palette.CopyTo(file, 14 + header);
        pixels.CopyTo(file, 14 + header + palette.Length);
        return file;
    }
}
