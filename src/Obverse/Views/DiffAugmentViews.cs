using Obverse.Torch;

namespace Obverse;

// CLIPAG's DiffAugment, a view an operation (clipag 4.2). The defaults are the notebook's; nothing is clamped.

/// <summary>
/// Brightness x + U(-b, b); saturation about the pixel's mean by U(1-s, 1+s); contrast about the picture's mean by U(1-c, 1+c); a step of strength 0 is left out.
/// Parameters: brightness, saturation, contrast, raw U[0, 1), [count].
/// </summary>
[Part("diff-color")]
public sealed record DiffColorView : View
{
    public double Brightness { get; init; } = 0.5;
    public double Saturation { get; init; } = 1;
    public double Contrast { get; init; } = 0.5;

    public override ViewParameters Sample(Generator random, long count, long height, long width) =>
        new() { ["brightness"] = random.Uniform(0, 1, count), ["saturation"] = random.Uniform(0, 1, count), ["contrast"] = random.Uniform(0, 1, count) };

    public override Tensor Apply(Tensor images, ViewParameters parameters)
    {
        Tensor Spread(string name, double strength) => (parameters.Each(name, images) - 0.5) * (2 * strength);
        var x = images;
        if (Brightness != 0) x = x + Spread("brightness", Brightness);
        if (Saturation != 0) x = Colors.About(x.Mean(1, keep: true), x, Spread("saturation", Saturation) + 1);
        if (Contrast != 0) x = Colors.About(x.Mean([1, 2, 3], keep: true), x, Spread("contrast", Contrast) + 1);
        return x;
    }
}

/// <summary>Whole pixels, black comes in: out[r, c] = in[r + shift_row, c + shift_col]. Parameters: shift_row, shift_col, [count] int64.</summary>
[Part("shift")]
public sealed record ShiftView : View
{
    /// <summary>Largest shift, a fraction of the side.</summary>
    [Limit(0, 1)]
    public double Fraction { get; init; } = 0.125;

    public override ViewParameters Sample(Generator random, long count, long height, long width)
    {
        Tensor Shift(long side)
        {
            var most = (long)(side * Fraction + 0.5);
            return random.Integers(-most, most + 1, count);
        }

        return new() { ["shift_row"] = Shift(height), ["shift_col"] = Shift(width) };
    }

    public override Tensor Apply(Tensor images, ViewParameters parameters)
    {
        var (rows, columns) = (parameters.Integers("shift_row", images.Size(0)), parameters.Integers("shift_col", images.Size(0)));
        return Pieces.Each(images, (one, i) => one.Pad([-columns[i], columns[i], -rows[i], rows[i]])); // a negative pad crops
    }
}

/// <summary>
/// Larger or smaller by one ratio for the whole batch, then cropped or padded with black to the size before (bilinear, no antialias).
/// Parameters: ratio, raw U[0, 1), [count], all the same, or one number.
/// </summary>
[Part("rescale")]
public sealed record RescaleView : View
{
    [Limit(0.01, 4)]
    public Interval Ratio { get; init; } = new(0.8, 1.2);

    public override ViewParameters Sample(Generator random, long count, long height, long width) => new() { ["ratio"] = random.Uniform(0, 1, 1).Expand(count) };

    public override Tensor Apply(Tensor images, ViewParameters parameters)
    {
        var ratio = (Ratio.High - Ratio.Low) * parameters.Numbers("ratio")[0] + Ratio.Low;
        var (h, w) = (images.Size(2), images.Size(3));
        var (height, width) = (Math.Max(1, (long)(ratio * h)), Math.Max(1, (long)(ratio * w)));
        // (side - new side) / 2 towards zero on the left and top, the rest on the other side; negative is a crop.
        var (top, left) = ((h - height) / 2, (w - width) / 2);
        return images.Resize(height, width).Pad([left, w - width - left, top, h - height - top]);
    }
}

/// <summary>A black box centred anywhere, cut off at the border. Parameters: cut_row, cut_col, its centre, [count] int64.</summary>
[Part("cutout")]
public sealed record CutoutView : View
{
    /// <summary>Its sides, a fraction of the picture's.</summary>
    [Limit(0, 1)]
    public double Fraction { get; init; } = 0.5;

    public override ViewParameters Sample(Generator random, long count, long height, long width) => new()
    {
        ["cut_row"] = random.Integers(0, height + 1 - Side(height) % 2, count), // an even side may be centred on the far edge
        ["cut_col"] = random.Integers(0, width + 1 - Side(width) % 2, count),
    };

    public override Tensor Apply(Tensor images, ViewParameters parameters)
    {
        var (rows, columns) = (parameters.Integers("cut_row", images.Size(0)), parameters.Integers("cut_col", images.Size(0)));
        var (height, width) = (Side(images.Size(2)), Side(images.Size(3)));
        return Pieces.Blacken(images, i => (rows[i] - height / 2, columns[i] - width / 2, height, width));
    }

    private long Side(long side) => (long)(side * Fraction + 0.5);
}
