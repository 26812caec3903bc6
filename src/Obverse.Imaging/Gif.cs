using System.Buffers.Binary;

namespace Obverse.Imaging;

/// <summary>The first frame of a GIF, as Pillow shows it. The blocks are read here, because Skia drops the colour of transparent pixels (test: Skia_alone_loses_what_preprocessing_needs); Skia unpacks the pixels.</summary>
internal static class Gif
{
    public static Raster Decode(ReadOnlySpan<byte> file, string name)
    {
        if (file.Length < 13) throw Truncated(name, file.Length);
        int width = BinaryPrimitives.ReadUInt16LittleEndian(file[6..]), height = BinaryPrimitives.ReadUInt16LittleEndian(file[8..]);
        var at = 13;
        var palette = Palette(file, file[10], ref at, name);
        var transparent = -1;
        while (true)
        {
            if (at >= file.Length) throw Truncated(name, file.Length);
            switch (file[at++])
            {
                case 0x21:
                    if (at + 6 <= file.Length && file[at] == 0xF9 && file[at + 1] >= 4) transparent = (file[at + 2] & 1) != 0 ? file[at + 5] : -1;
                    at++;
                    SkipBlocks(file, ref at, name);
                    break;
                case 0x2C:
                    return Frame(file, at, name, width, height, palette, transparent);
                case 0x3B:
                    throw new PictureException(name, "GIF without a picture");
                case var other:
                    throw new PictureException(name, $"GIF damaged at byte {at - 1}: block {other:X2}");
            }
        }
    }

    private static Raster Frame(ReadOnlySpan<byte> file, int at, string name, int width, int height, byte[]? palette, int transparent)
    {
        if (at + 10 > file.Length) throw Truncated(name, file.Length);
        var size = file.Slice(at + 4, 4);
        int left = BinaryPrimitives.ReadUInt16LittleEndian(file[at..]), top = BinaryPrimitives.ReadUInt16LittleEndian(file[(at + 2)..]);
        int w = BinaryPrimitives.ReadUInt16LittleEndian(size), h = BinaryPrimitives.ReadUInt16LittleEndian(size[2..]);
        int flags = file[at + 8];
        at += 9;
        (width, height) = (Math.Max(width, left + w), Math.Max(height, top + h));   // some writers leave the screen at 0 x 0
        if (w == 0 || h == 0 || Picture.Refusal(width, height, file.Length) is not null) throw new PictureException(name, $"GIF of {width} x {height} with a frame of {w} x {h}: {Picture.Refusal(width, height, file.Length) ?? "wanted at least 1 x 1"}");
        var entries = 2 << ((flags & 0x80) != 0 ? flags & 7 : file[10] & 7);
        palette = Palette(file, flags, ref at, name) ?? palette;
        var start = at;
        if (at >= file.Length) throw Truncated(name, file.Length);
        int bits = file[at++];
        if (bits is < 1 or > 8) throw new PictureException(name, $"GIF damaged: {bits} bits a code; wanted 1 to 8");
        SkipBlocks(file, ref at, name);
        // A code stands for 4,096 pixels at most.
        if ((at - start) * 8L / (bits + 1) * 4096 < (long)w * h) throw new PictureException(name, $"GIF truncated: {at - start} bytes of pixel data cannot hold {w} x {h}");

        // Only the frame, in 256 greys and without transparency; interlacing (flag 0x40) stays.
        byte[] frame = [.. "GIF89a"u8, .. size, 0xF7, 0, 0, .. Codec.GreyRamp(3), 0x2C, 0, 0, 0, 0, .. size, (byte)(flags & 0x40), .. file[start..at], 0x3B];
        var pixels = Codec.Indices(frame, "GIF", name);
        var canvas = new byte[width * height];
        if (transparent > 0) Array.Fill(canvas, (byte)transparent);
        for (var y = 0; y < h; y++) pixels.AsSpan(y * w, w).CopyTo(canvas.AsSpan((top + y) * width + left));

        // Pillow takes a palette that is a ramp of grey for grey.
        if (palette is null || Raster.IsGreyRamp(palette.AsSpan(0, entries * 3)))
        {
            return new Raster(PixelMode.Grey, width, height, canvas) { KeyAlpha = transparent < 0 ? null : [.. canvas.Select(value => (byte)(value == transparent ? 0 : 255))] };
        }

        byte[]? alpha = null;
        if (transparent >= 0)
        {
            alpha = new byte[256];
            Array.Fill(alpha, (byte)255);
            alpha[transparent] = 0;
        }

        return new Raster(PixelMode.Palette, width, height, canvas) { Palette = palette, PaletteAlpha = alpha };
    }

    private static byte[]? Palette(ReadOnlySpan<byte> file, int flags, ref int at, string name)
    {
        if ((flags & 0x80) == 0) return null;
        var length = 3 << ((flags & 7) + 1);
        if (at + length > file.Length) throw Truncated(name, file.Length);
        var palette = new byte[768];
        file.Slice(at, length).CopyTo(palette);
        at += length;
        return palette;
    }

    private static void SkipBlocks(ReadOnlySpan<byte> file, ref int at, string name)
    {
        for (var length = -1; length != 0; at += length)
        {
            if (at >= file.Length) throw Truncated(name, file.Length);
            length = file[at++];
        }

        if (at > file.Length) throw Truncated(name, file.Length);
    }

    private static PictureException Truncated(string name, int length) => new(name, $"GIF truncated at byte {length}");
}
