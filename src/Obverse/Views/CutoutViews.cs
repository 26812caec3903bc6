using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse;

// Pieces of VQGAN+CLIP's two ways to cut (canvases 5.7); Views.ClassicCutouts and Views.LatestCutouts put them together.

/// <summary>
/// A random square, resampled: Lanczos-2 where it shrinks, then bicubic with aligned corners (MakeCutoutsOrig of nerdyrodent/VQGAN-CLIP).
/// Parameters: u, U[0, 1), that gave the side, [count]; box, [count, 3] int64: top, left, side.
/// </summary>
[Part("lanczos-cut")]
public sealed record LanczosCutView : View
{
    /// <summary>Side afterwards, in pixels; also the smallest side cut, unless the picture is smaller.</summary>
    [Limit(1, 8192)]
    public int Size { get; init; } = 224;

    /// <summary>Above 1: smaller squares.</summary>
    [Limit(0, 100)]
    public double Power { get; init; } = 1;

    public override (long Height, long Width) SizeOf(long height, long width) => (Size, Size);

    public override ViewParameters Sample(Generator random, long count, long height, long width)
    {
        var most = Math.Min(height, width);
        var least = Math.Min(most, Size);
        var u = random.Uniform(0, 1, count);
        var (us, places) = (u.ToFloats(), random.Uniform(0, 1, count, 2).ToFloats());
        var box = new long[3 * count];
        for (var i = 0; i < count; i++)
        {
            var side = (long)(Math.Pow(us[i], Power) * (most - least) + least);
            (box[3 * i], box[3 * i + 1], box[3 * i + 2]) = ((long)((double)places[2 * i] * (height - side + 1)), (long)((double)places[2 * i + 1] * (width - side + 1)), side);
        }

        return new() { ["u"] = u, ["box"] = Tensor.From(box, count, 3) };
    }

    public override Tensor Apply(Tensor images, ViewParameters parameters)
    {
        var box = parameters.Integers("box");
        return Pieces.Each(images, (one, i) => Resample(Pieces.Box(one, box[3 * i], box[3 * i + 1], box[3 * i + 2], box[3 * i + 2]), Size, Size));
    }

    /// <summary>[n, c, h, w] to a size: the authors' `resample`.</summary>
    public static Tensor Resample(Tensor images, long height, long width)
    {
        var (n, c, h, w) = (images.Size(0), images.Size(1), images.Size(2), images.Size(3));
        var x = images.Reshape(n * c, 1, h, w);
        if (height < h) x = Filter(x, Kernel(h, height), vertical: true);
        if (width < w) x = Filter(x, Kernel(w, width), vertical: false);
        return x.Reshape(n, c, h, w).Resize(height, width, Interpolation.Bicubic, alignCorners: true);
    }

    private static Tensor Filter(Tensor x, double[] taps, bool vertical)
    {
        var (pad, length) = (taps.Length / 2, taps.Length);
        var weight = Tensor.From(taps, 1, 1, vertical ? length : 1, vertical ? 1 : length).To(x.Device, x.DType);
        return x.Pad(vertical ? [0, 0, pad, pad] : [pad, pad, 0, 0], "reflect").Conv2d(weight);
    }

    // sinc(x) sinc(x/2) at multiples of to/from inside ±2, normalised.
    private static double[] Kernel(long from, long to)
    {
        var ratio = (double)to / from;
        var reach = (int)Math.Ceiling(2 / ratio + 1) - 2;
        static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);
        double[] taps = [.. Enumerable.Range(-reach, 2 * reach + 1).Select(i => i * ratio).Select(x => Math.Abs(x) < 2 ? Sinc(x) * Sinc(x / 2) : 0)];
        var sum = taps.Sum();
        return Array.ConvertAll(taps, tap => tap / sum);
    }
}

/// <summary>(average + maximum) / 2 of adaptive pooling of the whole picture. No random parameters.</summary>
[Part("pool")]
public sealed record PoolView : View
{
    [Limit(1, 8192)]
    public int Height { get; init; } = 224;

    [Limit(1, 8192)]
    public int Width { get; init; } = 224;
    protected internal override bool IsRandom => false;

    public override (long Height, long Width) SizeOf(long height, long width) => (Height, Width);
    public override ViewParameters Sample(Generator random, long count, long height, long width) => ViewParameters.None;
    public override Tensor Apply(Tensor images, ViewParameters parameters) => (images.AdaptiveAvgPool2d(Height, Width) + images.AdaptiveMaxPool2d(Height, Width)) / 2;
}

/// <summary>
/// kornia's RandomErasing with same_on_batch: one black box for all pictures, or none for any.
/// Parameters: x, y, w, h, pixels, int64, and on, [count], all the same, or one number.
/// </summary>
[Part("erase")]
public sealed record EraseView : View
{
    /// <summary>Part of the picture's area.</summary>
    [Limit(0, 1)]
    public Interval Area { get; init; } = new(0.1, 0.4);

    /// <summary>Height over width; below and above 1 are equally likely.</summary>
    [Limit(0.01, 100)]
    public Interval Ratio { get; init; } = new(0.3, 1 / 0.3);
    [Limit(0, 1)]
    public double Probability { get; init; } = 1;

    public override ViewParameters Sample(Generator random, long count, long height, long width)
    {
        var area = random.Next(Area.Low, Area.High) * height * width;
        var ratio = Ratio.Low < 1 && Ratio.High > 1
            ? random.Next() < 0.5 ? random.Next(Ratio.Low, 1) : random.Next(1, Ratio.High)
            : random.Next(Ratio.Low, Ratio.High);
        var (h, w) = (Math.Clamp((long)Math.Round(Math.Sqrt(area * ratio)), 1, height), Math.Clamp((long)Math.Round(Math.Sqrt(area / ratio)), 1, width));
        var (x, y) = ((long)(random.Next() * (width - w + 1)), (long)(random.Next() * (height - h + 1)));
        Tensor Same(long number) => Tensor.Full([count], number, DType.Int64);
        return new()
        {
            ["x"] = Same(x), ["y"] = Same(y), ["w"] = Same(w), ["h"] = Same(h),
            ["on"] = Tensor.Full([count], random.Next() < Probability ? 1 : 0),
        };
    }

    public override Tensor Apply(Tensor images, ViewParameters parameters)
    {
        var count = images.Size(0);
        var (x, y, w, h, on) = (parameters.Integers("x", count), parameters.Integers("y", count), parameters.Integers("w", count), parameters.Integers("h", count), parameters.On(count));
        return Pieces.Blacken(images, i => on[i] ? (y[i], x[i], h[i], w[i]) : default);
    }
}
