namespace Obverse.Imaging;

/// <summary>A picture in 256 colours: Heckbert's median cut (1982) on 5 bits a channel, then Floyd-Steinberg error diffusion. 256 or fewer colours stay as they are.</summary>
internal static class MedianCut
{
    private const int Bins = 1 << 15;

    /// <returns>RGB triples, 1 to 256 of them, and [height, width] indices.</returns>
    public static (byte[] Palette, byte[] Pixels) Reduce(Picture picture, bool dither)
    {
        if (Few(picture) is { } exact) return exact;
        var palette = Cut(picture.Rgb);
        var nearest = new short[Bins];   // index + 1, filled in when first asked for
        return (palette, dither ? Diffuse(picture, palette, nearest) : Plain(picture, palette, nearest));
    }

    private static (byte[], byte[])? Few(Picture picture)
    {
        var seen = new Dictionary<int, byte>();
        var palette = new List<byte>();
        var pixels = new byte[picture.Width * picture.Height];
        var rgb = picture.Rgb;
        for (var i = 0; i < pixels.Length; i++)
        {
            var key = rgb[i * 3] << 16 | rgb[i * 3 + 1] << 8 | rgb[i * 3 + 2];
            if (!seen.TryGetValue(key, out var index))
            {
                if (seen.Count == 256) return null;
                seen[key] = index = (byte)seen.Count;
                palette.AddRange(rgb.Slice(i * 3, 3));
            }

            pixels[i] = index;
        }

        return ([.. palette], pixels);
    }

    private static byte[] Cut(ReadOnlySpan<byte> rgb)
    {
        var counts = new int[Bins];
        var sums = new long[Bins * 3];
        for (var i = 0; i < rgb.Length; i += 3)
        {
            var bin = Bin(rgb[i], rgb[i + 1], rgb[i + 2]);
            counts[bin]++;
            for (var c = 0; c < 3; c++) sums[bin * 3 + c] += rgb[i + c];
        }

        var all = Enumerable.Range(0, Bins).Where(b => counts[b] > 0).ToArray();
        var boxes = new List<Box> { Box.Of(all, 0, all.Length, counts) };
        while (boxes.Count < 256)
        {
            // The box to cut is the one with most pixels times its length: large flat areas do not eat the palette, nor do stray colours.
            var box = boxes.Where(b => b.Length > 0).MaxBy(b => (double)b.Pixels * b.Length);
            if (box is null) break;
            boxes.Remove(box);
            Array.Sort(all, box.Start, box.Count, Comparer<int>.Create((a, b) => Channel(a, box.Axis).CompareTo(Channel(b, box.Axis))));
            long half = 0;
            var at = box.Start;
            while (at < box.Start + box.Count - 1 && (half += counts[all[at]]) * 2 < box.Pixels) at++;
            at = Math.Clamp(at + 1, box.Start + 1, box.Start + box.Count - 1);
            boxes.Add(Box.Of(all, box.Start, at - box.Start, counts));
            boxes.Add(Box.Of(all, at, box.Start + box.Count - at, counts));
        }

        var palette = new byte[boxes.Count * 3];
        for (var i = 0; i < boxes.Count; i++)
        {
            for (var c = 0; c < 3; c++)
            {
                long sum = 0;
                foreach (var bin in all.AsSpan(boxes[i].Start, boxes[i].Count)) sum += sums[bin * 3 + c];
                palette[i * 3 + c] = (byte)((sum + boxes[i].Pixels / 2) / boxes[i].Pixels);
            }
        }

        return palette;
    }

    private static byte[] Plain(Picture picture, byte[] palette, short[] nearest)
    {
        var rgb = picture.Rgb;
        var pixels = new byte[picture.Width * picture.Height];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = Nearest(palette, nearest, rgb[i * 3], rgb[i * 3 + 1], rgb[i * 3 + 2]);
        return pixels;
    }

    private static byte[] Diffuse(Picture picture, byte[] palette, short[] nearest)
    {
        int width = picture.Width, row = (width + 2) * 3;
        var rgb = picture.Rgb;
        var pixels = new byte[width * picture.Height];
        int[] now = new int[row], below = new int[row];   // sixteenths, one pixel of margin at each side
        Span<int> colour = stackalloc int[3];
        for (var y = 0; y < picture.Height; y++)
        {
            Array.Clear(below);
            for (var x = 0; x < width; x++)
            {
                int i = y * width + x, at = (x + 1) * 3;
                for (var c = 0; c < 3; c++) colour[c] = Math.Clamp(rgb[i * 3 + c] + (now[at + c] + 8 >> 4), 0, 255);
                var index = pixels[i] = Nearest(palette, nearest, colour[0], colour[1], colour[2]);
                for (var c = 0; c < 3; c++)
                {
                    var error = colour[c] - palette[index * 3 + c];
                    now[at + 3 + c] += error * 7;
                    below[at - 3 + c] += error * 3;
                    below[at + c] += error * 5;
                    below[at + 3 + c] += error;
                }
            }

            (now, below) = (below, now);
        }

        return pixels;
    }

    private static byte Nearest(byte[] palette, short[] nearest, int r, int g, int b)
    {
        ref var known = ref nearest[Bin(r, g, b)];
        if (known > 0) return (byte)(known - 1);
        (r, g, b) = (r & 0xF8 | 4, g & 0xF8 | 4, b & 0xF8 | 4);
        var least = int.MaxValue;
        for (var i = 0; i < palette.Length; i += 3)
        {
            int x = palette[i] - r, y = palette[i + 1] - g, z = palette[i + 2] - b;
            var distance = x * x * 2 + y * y * 4 + z * z * 3;   // green shows most, red least
            if (distance < least) (least, known) = (distance, (short)(i / 3 + 1));
        }

        return (byte)(known - 1);
    }

    private static int Bin(int r, int g, int b) => r >> 3 << 10 | g >> 3 << 5 | b >> 3;

    private static int Channel(int bin, int axis) => bin >> (10 - axis * 5) & 31;

    private sealed record Box(int Start, int Count, long Pixels, int Axis, int Length)
    {
        public static Box Of(int[] bins, int start, int count, int[] counts)
        {
            long pixels = 0;
            Span<int> low = [31, 31, 31], high = [0, 0, 0];
            foreach (var bin in bins.AsSpan(start, count))
            {
                pixels += counts[bin];
                for (var c = 0; c < 3; c++) (low[c], high[c]) = (Math.Min(low[c], Channel(bin, c)), Math.Max(high[c], Channel(bin, c)));
            }

            var axis = 0;
            for (var c = 1; c < 3; c++) if (high[c] - low[c] > high[axis] - low[axis]) axis = c;
            return new Box(start, count, pixels, axis, high[axis] - low[axis]);
        }
    }
}
