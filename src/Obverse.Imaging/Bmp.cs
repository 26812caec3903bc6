using System.Buffers.Binary;

namespace Obverse.Imaging;

/// <summary>BMP of 1, 4, 8, 16, 24 and 32 bits a pixel, with colour masks and run lengths.</summary>
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
        var packed = (compression, bits) is (1, 8) or (2, 4);
        if (bits is not (1 or 4 or 8 or 16 or 24 or 32) || !packed && compression is not 0 && !(compression == 3 && bits is 16 or 32)) throw new PictureException(name, $"BMP of {bits} bits a pixel, compression {compression}; wanted 1, 4, 8, 16, 24 or 32 bits, uncompressed or with run lengths");

        var alpha = false;
        Span<uint> masks = [0x7C00, 0x3E0, 0x1F, 0];
        if (compression == 3)
        {
            for (var i = 0; i < (header >= 56 ? 4 : 3); i++)
            {
                if (54 + i * 4 + 4 > file.Length) throw Truncated(name, file.Length);
                masks[i] = BinaryPrimitives.ReadUInt32LittleEndian(file[(54 + i * 4)..]);
            }

            for (var i = 0; i < 3; i++)
            {
                if (masks[i] == 0 || bits == 16 && masks[i] > 0xFFFF || !IsRun(masks[i])) throw new PictureException(name, $"BMP with the colour masks {masks[0]:X}, {masks[1]:X}, {masks[2]:X}; wanted a run of bits each");
            }

            alpha = bits == 32 && masks[3] == 0xFF000000;
        }

        // Pillow takes a palette that is a ramp of grey for grey, and black and white for one bit: preprocessing resizes those otherwise than a palette.
        byte[]? palette = null;
        var plain = PixelMode.Palette;
        if (bits <= 8)
        {
            var size = old ? 3 : 4;
            var used = old ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(file[46..]);
            var count = used is > 0 && used <= 1 << bits ? (int)used : 1 << bits;
            var at = 14 + (int)header;
            if (at + count * size > file.Length) throw Truncated(name, file.Length);
            palette = new byte[768];
            for (var i = 0; i < count; i++)
            {
                for (var c = 0; c < 3; c++) palette[i * 3 + c] = file[at + i * size + 2 - c];
            }

            if (bits == 1 && count == 2 && palette.AsSpan(0, 6).SequenceEqual((ReadOnlySpan<byte>)[0, 0, 0, 255, 255, 255])) plain = PixelMode.Bilevel;
            if (bits == 8 && count > 2 && Raster.IsGreyRamp(palette.AsSpan(0, count * 3))) plain = PixelMode.Grey;
        }

        if (packed)
        {
            if (Picture.Refusal(width, height, file.Length) is { } lie) throw new PictureException(name, $"BMP of {width} x {height}: {lie}");
            if (start < 14 + header || start > file.Length) throw Truncated(name, file.Length);
            return new Raster(plain == PixelMode.Grey ? plain : PixelMode.Palette, (int)width, (int)height, RunLengths(file[(int)start..], (int)width, (int)height, bits == 4, downward, name)) { Palette = palette };
        }

        var masked = bits == 16 || compression == 3 && (masks[0], masks[1], masks[2]) != (0xFF0000, 0xFF00, 0xFF);
        var stride = (width * bits + 31) / 32 * 4;
        if (start < 14 + header || start + stride * height > file.Length) throw new PictureException(name, $"BMP truncated: wanted {start + stride * height} bytes, found {file.Length}");
        var mode = palette is not null ? plain : alpha ? PixelMode.Rgba : PixelMode.Rgb;
        var channels = Raster.Size(mode);
        var samples = new byte[width * height * channels];
        for (var y = 0; y < height; y++)
        {
            var row = file.Slice((int)(start + stride * (downward ? y : height - 1 - y)), (int)stride);
            for (var x = 0; x < width; x++)
            {
                var to = samples.AsSpan((int)(y * width + x) * channels, channels);
                if (palette is not null)
                {
                    to[0] = (byte)((row[x * bits / 8] >> (8 - bits - x * bits % 8)) & ((1 << bits) - 1));
                    if (mode == PixelMode.Bilevel) to[0] *= 255;
                    continue;
                }

                var from = row.Slice(x * bits / 8, bits / 8);
                if (masked)
                {
                    var pixel = bits == 16 ? BinaryPrimitives.ReadUInt16LittleEndian(from) : BinaryPrimitives.ReadUInt32LittleEndian(from);
                    for (var c = 0; c < 3; c++)
                    {
                        ulong most = masks[c] >> System.Numerics.BitOperations.TrailingZeroCount(masks[c]), value = (pixel & masks[c]) >> System.Numerics.BitOperations.TrailingZeroCount(masks[c]);
                        to[c] = (byte)(value * 255 / most);
                    }

                    if (alpha) to[3] = from[3];
                    continue;
                }

                (to[0], to[1], to[2]) = (from[2], from[1], from[0]);
                if (alpha) to[3] = from[3];
            }
        }

        return new Raster(mode, (int)width, (int)height, samples) { Palette = palette };
    }

    private static bool IsRun(uint mask)
    {
        var run = (ulong)mask >> System.Numerics.BitOperations.TrailingZeroCount(mask);
        return (run & (run + 1)) == 0;
    }

    // BI_RLE8 and BI_RLE4: a count and a value; 0 and then 0 = end of row, 1 = end of picture, 2 = a step right and on, more = that many values as they are, padded to two bytes.
    // Pixels that are jumped over, or that nothing more is said of, keep index 0.
    private static byte[] RunLengths(ReadOnlySpan<byte> codes, int width, int height, bool nibbles, bool downward, string name)
    {
        var samples = new byte[width * height];
        int x = 0, y = 0, at = 0;
        void Put(byte value)
        {
            if (x < width && y < height) samples[(downward ? y : height - 1 - y) * width + x] = value;
            x++;
        }

        while (true)
        {
            if (at + 2 > codes.Length) throw new PictureException(name, $"BMP truncated: run lengths end in row {Math.Min(y, height)} of {height}");
            int count = codes[at], value = codes[at + 1];
            at += 2;
            if (count > 0)
            {
                for (var i = 0; i < count; i++) Put((byte)(!nibbles ? value : i % 2 == 0 ? value >> 4 : value & 15));
            }
            else if (value == 0)
            {
                (x, y) = (0, y + 1);
            }
            else if (value == 1)
            {
                return samples;
            }
            else if (value == 2)
            {
                if (at + 2 > codes.Length) throw new PictureException(name, $"BMP truncated: run lengths end in row {Math.Min(y, height)} of {height}");
                (x, y, at) = (x + codes[at], y + codes[at + 1], at + 2);
            }
            else
            {
                var bytes = nibbles ? (value + 1) / 2 : value;
                if (at + bytes > codes.Length) throw new PictureException(name, $"BMP truncated: run lengths end in row {Math.Min(y, height)} of {height}");
                for (var i = 0; i < value; i++) Put((byte)(!nibbles ? codes[at + i] : i % 2 == 0 ? codes[at + i / 2] >> 4 : codes[at + i / 2] & 15));
                at += (bytes + 1) / 2 * 2;
            }
        }
    }

    private static PictureException Truncated(string name, int length) => new(name, $"BMP truncated at byte {length}");
}
