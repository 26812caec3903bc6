using System.Buffers.Binary;

namespace Obverse.Imaging;

/// <summary>Pillow's resampling filters; half their width in source pixels (1:1 or enlarging) is 0.5, 1, 1, 2 and 3.</summary>
public enum ResampleFilter
{
    Nearest,
    Box,
    Bilinear,
    Hamming,

    /// <summary>Keys' cubic with a = -0.5 (not the -0.75 of torch's plain bicubic).</summary>
    Bicubic,
    Lanczos,
}

/// <summary>Which way is resized first. The result is rounded between the passes, so the order shows.</summary>
public enum PassOrder
{
    /// <summary>Vertical first where the height shrinks by more than twice as many pixels as the width, as Pillow from 13 does.</summary>
    Pillow13,

    /// <summary>Always horizontal first, as Pillow before 13.</summary>
    HorizontalFirst,
}

/// <summary>Pillow's antialiased resize, to the bit: every pass weighs in 22-bit fixed point and rounds to bytes.</summary>
public static class Resample
{
    private const int Precision = 32 - 8 - 2;   // a byte, a weight, and two bits for sums outside 0..255 (Pillow, Resample.c)

    /// <summary>Resizes [height, width, channels] bytes; every channel by itself.</summary>
    /// <returns>[toHeight, toWidth, channels].</returns>
    public static byte[] Bytes(ReadOnlySpan<byte> pixels, int width, int height, int channels, int toWidth, int toHeight, ResampleFilter filter = ResampleFilter.Bicubic, PassOrder order = PassOrder.Pillow13)
    {
        Check(pixels.Length, width, height, channels, toWidth, toHeight);
        if (width == toWidth && height == toHeight) return pixels.ToArray();
        if (filter == ResampleFilter.Nearest) return Nearest(pixels, width, height, channels, toWidth, toHeight);
        if (VerticalFirst(width, height, toWidth, toHeight, order))
        {
            return Horizontal(Vertical(pixels, width * channels, height, toHeight, filter), width, toHeight, channels, toWidth, filter);
        }

        return Vertical(Horizontal(pixels, width, height, channels, toWidth, filter), toWidth * channels, height, toHeight, filter);
    }

    /// <summary>As <see cref="Bytes"/> for pixels whose last channel is opacity (2 or 4 channels): colours are weighted by it, so that invisible ones do not bleed.</summary>
    public static byte[] Premultiplied(ReadOnlySpan<byte> pixels, int width, int height, int channels, int toWidth, int toHeight, ResampleFilter filter = ResampleFilter.Bicubic, PassOrder order = PassOrder.Pillow13)
    {
        Check(pixels.Length, width, height, channels, toWidth, toHeight);
        if (filter == ResampleFilter.Nearest || (width == toWidth && height == toHeight)) return Bytes(pixels, width, height, channels, toWidth, toHeight, filter, order);
        var weighted = pixels.ToArray();
        for (var i = 0; i < weighted.Length; i += channels)
        {
            var alpha = weighted[i + channels - 1];
            for (var c = 0; c < channels - 1; c++) weighted[i + c] = (byte)Times(weighted[i + c], alpha);
        }

        var resized = Bytes(weighted, width, height, channels, toWidth, toHeight, filter, order);
        for (var i = 0; i < resized.Length; i += channels)
        {
            var alpha = resized[i + channels - 1];
            if (alpha is 0 or 255) continue;
            for (var c = 0; c < channels - 1; c++) resized[i + c] = (byte)Math.Min(255, 255 * resized[i + c] / alpha);
        }

        return resized;
    }

    /// <summary>Resizes a [height, width] plane of floats (Pillow's mode F): weights and sums in double, no clipping.</summary>
    public static float[] Floats(ReadOnlySpan<float> plane, int width, int height, int toWidth, int toHeight, ResampleFilter filter = ResampleFilter.Bicubic, PassOrder order = PassOrder.Pillow13)
    {
        Check(plane.Length, width, height, 1, toWidth, toHeight);
        if (width == toWidth && height == toHeight) return plane.ToArray();
        if (filter == ResampleFilter.Nearest)
        {
            var picked = new float[toWidth * toHeight];
            int[] columns = Picks(width, toWidth), rows = Picks(height, toHeight);
            for (var i = 0; i < picked.Length; i++) picked[i] = plane[rows[i / toWidth] * width + columns[i % toWidth]];
            return picked;
        }

        return Planes(plane, width, height, toWidth, toHeight, filter, order, static v => (float)v);
    }

    /// <summary>Resizes a plane of 16-bit samples, low byte first (Pillow's mode I;16), with Pillow's two separately clipped halves.</summary>
    internal static byte[] Sixteen(ReadOnlySpan<byte> samples, int width, int height, int toWidth, int toHeight, ResampleFilter filter, PassOrder order)
    {
        if (filter == ResampleFilter.Nearest || (width == toWidth && height == toHeight)) return Bytes(samples, width, height, 2, toWidth, toHeight, filter, order);
        var plane = new float[width * height];   // exact: 16 of 24 bits
        for (var i = 0; i < plane.Length; i++) plane[i] = BinaryPrimitives.ReadUInt16LittleEndian(samples[(i * 2)..]);
        var resized = Planes(plane, width, height, toWidth, toHeight, filter, order, static v =>
        {
            var whole = (int)(v >= 0 ? v + 0.5f : v - 0.5f);
            return Math.Clamp(whole % 256, 0, 255) + 256 * Math.Clamp(whole >> 8, 0, 255);
        });
        var bytes = new byte[resized.Length * 2];
        for (var i = 0; i < resized.Length; i++) BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(i * 2), (ushort)resized[i]);
        return bytes;
    }

    /// <summary>a * b / 255, rounded (Pillow's MULDIV255).</summary>
    internal static int Times(int a, int b)
    {
        var t = a * b + 128;
        return ((t >> 8) + t) >> 8;
    }

    private static void Check(int length, int width, int height, int channels, int toWidth, int toHeight)
    {
        if (width < 1 || height < 1 || channels < 1 || length != (long)width * height * channels) throw new ArgumentException($"{width} x {height} pixels of {channels} want {(long)width * height * channels} values, not {length}");
        if (toWidth < 1 || toHeight < 1 || (long)toWidth * toHeight > Picture.MaxPixels) throw new ArgumentException($"resize to {toWidth} x {toHeight}: wanted 1 to {Picture.MaxPixels} pixels");
    }

    private static bool VerticalFirst(int width, int height, int toWidth, int toHeight, PassOrder order) =>
        order == PassOrder.Pillow13 && toHeight < height && height - toHeight > 2L * (width - toWidth);

    private static byte[] Nearest(ReadOnlySpan<byte> pixels, int width, int height, int size, int toWidth, int toHeight)
    {
        int[] columns = Picks(width, toWidth), rows = Picks(height, toHeight);
        var to = new byte[toWidth * toHeight * size];
        for (var i = 0; i < toWidth * toHeight; i++)
        {
            pixels.Slice((rows[i / toWidth] * width + columns[i % toWidth]) * size, size).CopyTo(to.AsSpan(i * size));
        }

        return to;
    }

    // Summed step by step, not multiplied: Pillow's own rounding decides ties.
    private static int[] Picks(int from, int to)
    {
        var picks = new int[to];
        var step = (double)from / to;
        var at = step * 0.5;
        for (var i = 0; i < to; i++, at += step) picks[i] = Math.Min((int)at, from - 1);
        return picks;
    }

    private static byte[] Horizontal(ReadOnlySpan<byte> pixels, int width, int height, int channels, int toWidth, ResampleFilter filter)
    {
        if (width == toWidth) return pixels.ToArray();
        var weights = Weights.Of(width, toWidth, filter);
        var to = new byte[toWidth * height * channels];
        for (var y = 0; y < height; y++)
        {
            var row = pixels.Slice(y * width * channels, width * channels);
            var line = to.AsSpan(y * toWidth * channels, toWidth * channels);
            for (var x = 0; x < toWidth; x++)
            {
                var (first, count) = weights.Bounds[x];
                var k = weights.Fixed.AsSpan(x * weights.Stride, count);
                if (channels == 3)
                {
                    int r = 1 << (Precision - 1), g = r, b = r;
                    var from = row.Slice(first * 3, count * 3);
                    for (int i = 0, n = 0; i < k.Length; i++, n += 3)
                    {
                        r += from[n] * k[i];
                        g += from[n + 1] * k[i];
                        b += from[n + 2] * k[i];
                    }

                    (line[x * 3], line[x * 3 + 1], line[x * 3 + 2]) = (Clip(r), Clip(g), Clip(b));
                    continue;
                }

                for (var c = 0; c < channels; c++)
                {
                    var sum = 1 << (Precision - 1);
                    for (var i = 0; i < k.Length; i++) sum += row[(first + i) * channels + c] * k[i];
                    line[x * channels + c] = Clip(sum);
                }
            }
        }

        return to;
    }

    private static byte[] Vertical(ReadOnlySpan<byte> pixels, int stride, int height, int toHeight, ResampleFilter filter)
    {
        if (height == toHeight) return pixels.ToArray();
        var weights = Weights.Of(height, toHeight, filter);
        var to = new byte[stride * toHeight];
        var sums = new int[stride];
        for (var y = 0; y < toHeight; y++)
        {
            var (first, count) = weights.Bounds[y];
            Array.Fill(sums, 1 << (Precision - 1));
            for (var i = 0; i < count; i++)
            {
                var k = weights.Fixed[y * weights.Stride + i];
                var row = pixels.Slice((first + i) * stride, stride);
                for (var x = 0; x < row.Length && x < sums.Length; x++) sums[x] += row[x] * k;
            }

            for (var x = 0; x < stride; x++) to[y * stride + x] = Clip(sums[x]);
        }

        return to;
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> Precision, 0, 255);

    private static float[] Planes(ReadOnlySpan<float> plane, int width, int height, int toWidth, int toHeight, ResampleFilter filter, PassOrder order, Func<double, float> store)
    {
        var vertical = VerticalFirst(width, height, toWidth, toHeight, order);
        var now = plane.ToArray();
        for (var pass = 0; pass < 2; pass++, vertical = !vertical)
        {
            var (from, to) = vertical ? (height, toHeight) : (width, toWidth);
            if (from == to) continue;
            var weights = Weights.Of(from, to, filter);
            var (w, h) = vertical ? (width, toHeight) : (toWidth, height);
            var next = new float[w * h];
            for (var y = 0; y < h; y++)
            {
                for (var x = 0; x < w; x++)
                {
                    var at = vertical ? y : x;
                    var (first, count) = weights.Bounds[at];
                    var sum = 0.0;
                    for (var i = 0; i < count; i++) sum += now[vertical ? (first + i) * width + x : y * width + first + i] * weights.Real[at * weights.Stride + i];
                    next[y * w + x] = store(sum);
                }
            }

            (now, width, height) = (next, w, h);
        }

        return now;
    }

    /// <summary>For every target pixel the first source pixel, how many, and their weights.</summary>
    private sealed record Weights((int First, int Count)[] Bounds, double[] Real, int[] Fixed, int Stride)
    {
        public static Weights Of(int from, int to, ResampleFilter filter)
        {
            var scale = (double)from / to;
            var widening = Math.Max(1.0, scale);   // shrinking widens the filter: that is the antialiasing
            var support = widening * filter switch { ResampleFilter.Box => 0.5, ResampleFilter.Bicubic => 2, ResampleFilter.Lanczos => 3, _ => 1 };
            var stride = (int)Math.Ceiling(support) * 2 + 1;
            var bounds = new (int, int)[to];
            var real = new double[to * stride];
            var inverse = 1.0 / widening;
            for (var i = 0; i < to; i++)
            {
                var centre = (i + 0.5) * scale;
                var first = Math.Max(0, (int)(centre - support + 0.5));
                var count = Math.Min(from, (int)(centre + support + 0.5)) - first;
                bounds[i] = (first, count);
                var k = real.AsSpan(i * stride, count);
                var sum = 0.0;
                for (var x = 0; x < count; x++) sum += k[x] = At((x + first - centre + 0.5) * inverse, filter);
                if (sum != 0) foreach (ref var w in k) w /= sum;
            }

            return new Weights(bounds, real, [.. real.Select(w => (int)(w * (1 << Precision) + (w < 0 ? -0.5 : 0.5)))], stride);
        }

        private static double At(double x, ResampleFilter filter)
        {
            if (filter == ResampleFilter.Box) return x is > -0.5 and <= 0.5 ? 1 : 0;
            if (filter == ResampleFilter.Lanczos) return x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0;
            x = Math.Abs(x);
            if (filter == ResampleFilter.Bilinear) return x < 1 ? 1 - x : 0;
            if (filter == ResampleFilter.Hamming) return x == 0 ? 1 : x >= 1 ? 0 : Math.Sin(x * Math.PI) / (x * Math.PI) * (0.54f + 0.46f * Math.Cos(x * Math.PI));   // floats in Pillow too
            const double a = -0.5;
            return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
        }

        private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(x * Math.PI) / (x * Math.PI);
    }
}
