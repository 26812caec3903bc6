using System.Buffers.Binary;

namespace Obverse.Imaging;

/// <summary>The first frame of a GIF, as Pillow shows it: palette indices on a canvas of the transparent entry, or of entry 0. Skia would look them up, and CLIP's preprocessing resizes them.</summary>
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
                    Blocks(file, ref at, name, null);
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
        int left = BinaryPrimitives.ReadUInt16LittleEndian(file[at..]), top = BinaryPrimitives.ReadUInt16LittleEndian(file[(at + 2)..]);
        int w = BinaryPrimitives.ReadUInt16LittleEndian(file[(at + 4)..]), h = BinaryPrimitives.ReadUInt16LittleEndian(file[(at + 6)..]);
        int flags = file[at + 8];
        at += 9;
        (width, height) = (Math.Max(width, left + w), Math.Max(height, top + h));   // some writers leave the screen at 0 x 0
        if (w == 0 || h == 0 || Picture.Refusal(width, height, file.Length) is not null) throw new PictureException(name, $"GIF of {width} x {height} with a frame of {w} x {h}: {Picture.Refusal(width, height, file.Length) ?? "wanted at least 1 x 1"}");
        var entries = 2 << ((flags & 0x80) != 0 ? flags & 7 : file[10] & 7);
        palette = Palette(file, flags, ref at, name) ?? palette;
        if (at >= file.Length) throw Truncated(name, file.Length);
        int bits = file[at++];
        if (bits is < 1 or > 8) throw new PictureException(name, $"GIF damaged: {bits} bits a code; wanted 1 to 8");
        var packed = new MemoryStream();
        Blocks(file, ref at, name, packed);
        if (packed.Length * 8 / (bits + 1) * 4096 < (long)w * h) throw new PictureException(name, $"GIF truncated: {packed.Length} bytes of pixel data cannot hold {w} x {h}");
        var pixels = new byte[w * h];
        var got = Unpack(packed.GetBuffer().AsSpan(0, (int)packed.Length), bits, pixels);
        if (got < pixels.Length) throw new PictureException(name, $"GIF truncated or damaged: {got} pixels of {pixels.Length}");

        var canvas = new byte[width * height];
        if (transparent > 0) Array.Fill(canvas, (byte)transparent);
        int row = 0, pass = 0;
        for (var y = 0; y < h; y++)
        {
            var to = y;
            if ((flags & 0x40) != 0)   // interlaced: every 8th row from 0, from 4, every 4th from 2, every 2nd from 1
            {
                while (row >= h) row = (++pass) switch { 1 => 4, 2 => 2, _ => 1 };
                to = row;
                row += pass switch { 0 or 1 => 8, 2 => 4, _ => 2 };
            }

            pixels.AsSpan(y * w, w).CopyTo(canvas.AsSpan((top + to) * width + left));
        }

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

    private static void Blocks(ReadOnlySpan<byte> file, ref int at, string name, Stream? to)
    {
        while (true)
        {
            if (at >= file.Length) throw Truncated(name, file.Length);
            int length = file[at++];
            if (length == 0) return;
            if (at + length > file.Length) throw Truncated(name, file.Length);
            to?.Write(file.Slice(at, length));
            at += length;
        }
    }

    /// <summary>GIF's LZW: codes of 3 to 12 bits, low bit first. Returns how many pixels were there.</summary>
    private static int Unpack(ReadOnlySpan<byte> packed, int bits, byte[] pixels)
    {
        int clear = 1 << bits, end = clear + 1, next = end + 1, size = bits + 1, previous = -1, done = 0;
        var prefix = new int[4096];
        var last = new byte[4096];
        var length = new int[4096];
        for (var i = 0; i < clear; i++) (last[i], length[i]) = ((byte)i, 1);
        int buffer = 0, held = 0;
        foreach (var b in packed)
        {
            buffer |= b << held;
            held += 8;
            while (held >= size && done < pixels.Length)
            {
                var code = buffer & ((1 << size) - 1);
                buffer >>= size;
                held -= size;
                if (code == clear)
                {
                    (next, size, previous) = (end + 1, bits + 1, -1);
                    continue;
                }

                if (code == end) return done;
                if (code > next || (code >= next && previous < 0) || (code > end && code >= next && next > 4095)) return done;   // damaged
                // The string of the code; one that is only now being made is the last string and its own first pixel again.
                var fresh = code == next;
                var count = fresh ? length[previous] + 1 : length[code];
                var at = done + count - 1;
                var c = code;
                if (fresh) (c, at) = (previous, at - 1);
                for (; ; c = prefix[c])
                {
                    if (at < pixels.Length) pixels[at] = last[c];
                    at--;
                    if (length[c] == 1) break;
                }

                var first = last[c];
                if (fresh && done + count - 1 < pixels.Length) pixels[done + count - 1] = first;
                done = Math.Min(pixels.Length, done + count);
                if (previous >= 0 && next < 4096)
                {
                    (prefix[next], last[next], length[next]) = (previous, first, length[previous] + 1);
                    if (++next == 1 << size && size < 12) size++;
                }

                previous = code;
            }
        }

        return done;
    }

    private static PictureException Truncated(string name, int length) => new(name, $"GIF truncated at byte {length}");
}
