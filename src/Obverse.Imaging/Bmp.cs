using System.Buffers.Binary;
using System.Numerics;

namespace Obverse.Imaging;

/// <summary>BMP of 1, 4, 8, 16, 24 and 32 bits a pixel. Header and colour masks are read here, because Skia rounds 5 and 6 bits otherwise than Pillow (test: Skia_alone_loses_what_preprocessing_needs); Skia unpacks palette pixels and run lengths.</summary>
internal static class Bmp
{
    public static Raster Decode(ReadOnlySpan<byte> file, string name)
    {
        if (file.Length < 30) throw Truncated(name, file.Length);
        long start = BinaryPrimitives.ReadUInt32LittleEndian(file[10..]), header = BinaryPrimitives.ReadUInt32LittleEndian(file[14..]);
        if (header is not (12 or (>= 40 and <= 124))) throw new PictureException(name, $"BMP with a header of {header} bytes; wanted 12 or 40 to 124");
        if (14 + header > file.Length) throw Truncated(name, file.Length);
        var old = header == 12;
        long width = old ? BinaryPrimitives.ReadUInt16LittleEndian(file[18..]) : BinaryPrimitives.ReadInt32LittleEndian(file[18..]);
        long height = old ? BinaryPrimitives.ReadUInt16LittleEndian(file[20..]) : BinaryPrimitives.ReadInt32LittleEndian(file[22..]);
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(file[(old ? 24 : 28)..]);
        var compression = old ? 0 : BinaryPrimitives.ReadInt32LittleEndian(file[30..]);
        var downward = height < 0;
        height = Math.Abs(height);
        if (Picture.Refusal(width, height) is { } why) throw new PictureException(name, $"BMP of {width} x {height}: {why}");
        var runs = (compression, bits) is (1, 8) or (2, 4);
        if (bits is not (1 or 4 or 8 or 16 or 24 or 32) || !runs && compression is not 0 && !(compression == 3 && bits is 16 or 32)) throw new PictureException(name, $"BMP of {bits} bits a pixel, compression {compression}; wanted 1, 4, 8, 16, 24 or 32 bits, uncompressed or with run lengths");
        if (runs && Picture.Refusal(width, height, file.Length) is { } lie) throw new PictureException(name, $"BMP of {width} x {height}: {lie}");
        if (start < 14 + header || start > file.Length) throw Truncated(name, file.Length);
        var pixels = file[(int)start..];
        var stride = (width * bits + 31) / 32 * 4;
        if (!runs && stride * height > pixels.Length) throw new PictureException(name, $"BMP truncated: wanted {start + stride * height} bytes, found {file.Length}");
        if (bits > 8) return Colours(pixels, (int)width, (int)height, (int)stride, bits, downward, compression == 3 ? Masks(file, bits, header, name) : bits == 16 ? [0x7C00, 0x3E0, 0x1F, 0] : [0xFF0000, 0xFF00, 0xFF, 0]);

        var (palette, count) = Palette(file, (int)header, bits, name);
        var samples = Codec.Indices(InGrey(pixels, (int)width, (int)(downward ? -height : height), bits, compression), "BMP", name);
        // Pillow takes a palette that is a ramp of grey for grey, and black and white for one bit: preprocessing resizes those otherwise than a palette.
        if (bits == 1 && count == 2 && palette.AsSpan(0, 6).SequenceEqual((ReadOnlySpan<byte>)[0, 0, 0, 255, 255, 255])) return new Raster(PixelMode.Bilevel, (int)width, (int)height, [.. samples.Select(bit => (byte)(bit * 255))]);
        var grey = bits == 8 && count > 2 && Raster.IsGreyRamp(palette.AsSpan(0, count * 3));
        return new Raster(grey ? PixelMode.Grey : PixelMode.Palette, (int)width, (int)height, samples) { Palette = palette };
    }

    private static (byte[] Rgb, int Count) Palette(ReadOnlySpan<byte> file, int header, int bits, string name)
    {
        var (size, used) = header == 12 ? (3, 0) : (4, BinaryPrimitives.ReadUInt32LittleEndian(file[46..]));
        var count = used is > 0 && used <= 1 << bits ? (int)used : 1 << bits;
        if (14 + header + count * size > file.Length) throw Truncated(name, file.Length);
        var palette = new byte[768];
        for (var i = 0; i < count * 3; i++) palette[i] = file[14 + header + i / 3 * size + 2 - i % 3];   // blue comes first
        return (palette, count);
    }

    private static byte[] InGrey(ReadOnlySpan<byte> pixels, int width, int height, int bits, int compression)
    {
        var head = new byte[54];
        "BM"u8.CopyTo(head);
        foreach (var (at, value) in ((int, int)[])[(2, 54 + (4 << bits) + pixels.Length), (10, 54 + (4 << bits)), (14, 40), (18, width), (22, height), (26, 1 | bits << 16), (30, compression)]) BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(at), value);
        return [.. head, .. Codec.GreyRamp(4)[..(4 << bits)], .. pixels];
    }

    private static uint[] Masks(ReadOnlySpan<byte> file, int bits, long header, string name)
    {
        var masks = new uint[4];
        for (var i = 0; i < (header >= 56 ? 4 : 3); i++)
        {
            if (54 + i * 4 + 4 > file.Length) throw Truncated(name, file.Length);
            masks[i] = BinaryPrimitives.ReadUInt32LittleEndian(file[(54 + i * 4)..]);
        }

        for (var i = 0; i < 3; i++)
        {
            var run = (ulong)masks[i] >> BitOperations.TrailingZeroCount(masks[i]);
            if (masks[i] == 0 || bits == 16 && masks[i] > 0xFFFF || (run & (run + 1)) != 0) throw new PictureException(name, $"BMP with the colour masks {masks[0]:X}, {masks[1]:X}, {masks[2]:X}; wanted a run of bits each");
        }

        return masks;
    }

    private static Raster Colours(ReadOnlySpan<byte> pixels, int width, int height, int stride, int bits, bool downward, ReadOnlySpan<uint> masks)
    {
        var (alpha, size) = (bits == 32 && masks[3] == 0xFF000000, bits / 8);
        var channels = alpha ? 4 : 3;
        var samples = new byte[width * height * channels];
        for (var y = 0; y < height; y++)
        {
            var row = pixels.Slice(stride * (downward ? y : height - 1 - y), stride);
            for (var x = 0; x < width; x++)
            {
                uint pixel = 0;
                for (var i = 0; i < size; i++) pixel |= (uint)row[x * size + i] << (i * 8);
                for (var c = 0; c < channels; c++)
                {
                    var shift = BitOperations.TrailingZeroCount(masks[c]);
                    samples[(y * width + x) * channels + c] = (byte)((ulong)((pixel & masks[c]) >> shift) * 255 / (masks[c] >> shift));
                }
            }
        }

        return new Raster(alpha ? PixelMode.Rgba : PixelMode.Rgb, width, height, samples);
    }

    private static PictureException Truncated(string name, int length) => new(name, $"BMP truncated at byte {length}");
}
