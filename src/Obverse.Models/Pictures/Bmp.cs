using System.Buffers.Binary;

namespace Obverse.Models;

/// <summary>Uncompressed BMP of 1, 4, 8, 24 and 32 bits a pixel.</summary>
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
        if (bits is not (1 or 4 or 8 or 24 or 32) || compression is not 0 && !(compression == 3 && bits == 32)) throw new PictureException(name, $"BMP of {bits} bits a pixel, compression {compression}; wanted 1, 4, 8, 24 or 32 bits, uncompressed");

        var alpha = false;
        if (compression == 3)
        {
            Span<uint> masks = stackalloc uint[4];
            for (var i = 0; i < (header >= 56 ? 4 : 3); i++)
            {
                if (54 + i * 4 + 4 > file.Length) throw Truncated(name, file.Length);
                masks[i] = BinaryPrimitives.ReadUInt32LittleEndian(file[(54 + i * 4)..]);
            }

            if (masks[0] != 0xFF0000 || masks[1] != 0xFF00 || masks[2] != 0xFF) throw new PictureException(name, "BMP with unusual colour masks; wanted blue, green, red, alpha bytes");
            alpha = masks[3] == 0xFF000000;
        }

        byte[]? palette = null;
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
        }

        var stride = (width * bits + 31) / 32 * 4;
        if (start < 14 + header || start + stride * height > file.Length) throw new PictureException(name, $"BMP truncated: wanted {start + stride * height} bytes, found {file.Length}");
        var mode = palette is not null ? PixelMode.Palette : alpha ? PixelMode.Rgba : PixelMode.Rgb;
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
                    continue;
                }

                var from = row.Slice(x * bits / 8, bits / 8);
                (to[0], to[1], to[2]) = (from[2], from[1], from[0]);
                if (alpha) to[3] = from[3];
            }
        }

        return new Raster(mode, (int)width, (int)height, samples) { Palette = palette };
    }

    private static PictureException Truncated(string name, int length) => new(name, $"BMP truncated at byte {length}");
}
