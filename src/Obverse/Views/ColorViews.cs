using Obverse.Models;
using Obverse.Torch;

namespace Obverse;

/// <summary>
/// Brightness x b, then contrast about the picture's mean, then saturation about its luma (.299, .587, .114); nothing is clamped (implicit-inversion 2.6).
/// Parameters: brightness, contrast, saturation, factors, [count].
/// </summary>
[Part("color")]
public sealed record ColorView : View
{
    /// <summary>Factors are U(1 - this, 1 + this).</summary>
    public double Brightness { get; init; } = 0.2;
    public double Contrast { get; init; } = 0.2;
    public double Saturation { get; init; } = 0.2;

    public override ViewParameters Sample(Generator random, long count, long height, long width) => new()
    {
        ["brightness"] = Interval.Around1(Brightness).Draw(random, count),
        ["contrast"] = Interval.Around1(Contrast).Draw(random, count),
        ["saturation"] = Interval.Around1(Saturation).Draw(random, count),
    };

    public override Tensor Apply(Tensor images, ViewParameters parameters)
    {
        var (b, c) = (parameters.Each("brightness", images), parameters.Each("contrast", images));
        var x = images * (b * c) + images.Mean([1, 2, 3], keep: true) * (b * (1 - c)); // = About(mean, b x, c) in one pass fewer
        return Colors.About(Colors.Luma(x), x, parameters.Each("saturation", images));
    }
}

/// <summary>
/// kornia's ColorJitter: clamp to [0, 1], then brightness (0), contrast (1), saturation (2) and hue (3) in a random order that the batch shares, each clamped.
/// Parameters: brightness, contrast, saturation (factors) and hue (turns), [count]; order, [count, 4] or [4] int64; on, [count].
/// </summary>
[Part("color-jitter")]
public sealed record ColorJitterView : View
{
    /// <summary>Factors are U(1 - this, 1 + this).</summary>
    public double Brightness { get; init; } = 0.1;
    public double Contrast { get; init; } = 0.1;
    public double Saturation { get; init; } = 0.1;

    /// <summary>Turns of the colour circle, up to 0.5.</summary>
    [Limit(0, 0.5)]
    public double Hue { get; init; } = 0.1;
    [Limit(0, 1)]
    public double Probability { get; init; } = 1;

    public override ViewParameters Sample(Generator random, long count, long height, long width) => new ViewParameters
    {
        ["brightness"] = Interval.Around1(Brightness).Draw(random, count),
        ["contrast"] = Interval.Around1(Contrast).Draw(random, count),
        ["saturation"] = Interval.Around1(Saturation).Draw(random, count),
        ["hue"] = Interval.Around0(Hue).Draw(random, count),
        ["order"] = random.Permutation(4).Reshape(1, 4).Expand(count, 4),
    }.Sometimes(random, Probability, count);

    public override Tensor Apply(Tensor images, ViewParameters parameters)
    {
        var x = images.Clamp(0, 1);
        foreach (var step in parameters.Integers("order")[..4])
        {
            x = step switch
            {
                0 => x * parameters.Each("brightness", images),
                1 => Colors.About(Colors.Luma(x).Mean([1, 2, 3], keep: true), x, parameters.Each("contrast", images)),
                2 => Colors.About(Colors.Luma(x), x, parameters.Each("saturation", images)),
                _ => Colors.TurnHue(x, parameters.Each("hue", images)),
            };
            x = x.Clamp(0, 1);
        }

        return parameters.ContainsKey("on") ? x.Where(parameters.Each("on", images) > 0, images) : x;
    }
}

/// <summary>(x - m) / s with m = ±mean and s = exp(±std) a picture and channel: what CLIP-Inv calls colour jitter (pixel-baselines 3.1). Parameters: u_mean, u_std, U[0, 1), [count, 3, 1, 1].</summary>
[Part("color-shift")]
public sealed record ColorShiftView : View
{
    public double Mean { get; init; }
    public double Std { get; init; }

    public override ViewParameters Sample(Generator random, long count, long height, long width) => new() { ["u_mean"] = random.Uniform(0, 1, count, 3, 1, 1), ["u_std"] = random.Uniform(0, 1, count, 3, 1, 1) };

    public override Tensor Apply(Tensor images, ViewParameters parameters) => (images - (parameters.Get("u_mean", images) - 0.5) * (2 * Mean)) / ((parameters.Get("u_std", images) - 0.5) * (2 * Std)).Exp();
}

/// <summary>torchvision's adjust_contrast: about the mean of grey, clamped; CLIPStyler finishes its pictures with 1.5 (canvases 5.8). No random parameters.</summary>
[Part("contrast")]
public sealed record ContrastView : View
{
    public double Factor { get; init; } = 1.5;
    protected internal override bool IsRandom => false;

    public override ViewParameters Sample(Generator random, long count, long height, long width) => ViewParameters.None;

    public override Tensor Apply(Tensor images, ViewParameters parameters) => (images * Factor + Colors.Luma(images, 0.2989).Mean([1, 2, 3], keep: true) * (1 - Factor)).Clamp(0, 1); // torchvision rounds .299 to .2989
}

/// <summary>(x - mean) / std a channel; CLIP's by default (clip.md 1.5). An encoder does this itself: for views that show what a network sees. No random parameters.</summary>
[Part("normalize")]
public sealed record NormalizeView : View
{
    public Rgb Mean { get; init; } = Rgb.ClipMean;
    public Rgb Std { get; init; } = Rgb.ClipStd;
    protected internal override bool IsRandom => false;

    public override ViewParameters Sample(Generator random, long count, long height, long width) => ViewParameters.None;
    public override Tensor Apply(Tensor images, ViewParameters parameters) => (images - Mean.Like(images)) / Std.Like(images);
}

internal static class Colors
{
    /// <summary>[1, 3, 1, 1], as the pictures are.</summary>
    public static Tensor Like(this Rgb color, Tensor images) => Tensor.From([color.R, color.G, color.B], 1, 3, 1, 1).To(images.Device, images.DType);

    /// <summary>[n, 1, h, w], weights of ITU-R 601.</summary>
    public static Tensor Luma(Tensor x, double red = 0.299) => (x * new Rgb(red, 0.587, 0.114).Like(x)).Sum(1, keep: true);

    /// <summary>Away from a centre by a factor: (x - centre) factor + centre, the small tensors multiplied first.</summary>
    public static Tensor About(Tensor centre, Tensor x, Tensor factor) => x * factor + centre * (1 - factor);

    /// <summary>Turns the hue of [n, 3, h, w] by a number of turns a picture, through hue, saturation and value; among equal channels the first is the largest.</summary>
    public static Tensor TurnHue(Tensor x, Tensor turns)
    {
        var largest = x.Argmax(1, keep: true);
        var value = x.Gather(1, largest);
        var spread = value - x.Gather(1, x.Argmin(1, keep: true));
        var saturation = spread / (value + 1e-8);
        var width = spread.MaskedFill(spread.EqualTo(0), 1);
        var below = (value - x) / width; // how far each channel is below the largest
        var sixth = below.Split(1, 1) is [var r, var g, var b] ? Tensor.Cat([b - g, r - b + 2, g - r + 4], 1).Gather(1, largest) : throw new ArgumentException($"a picture of 3 channels was wanted, {x} given"); // hue in sixths of a turn
        var hue = (sixth / 6).Remainder(1) + turns;

        // Back: channel k of (5, 3, 1) is value - value · saturation · clamp(min(t, 4 - t), 0, 1), t = (k + 6 hue) mod 6.
        Tensor Channel(int k)
        {
            var t = (hue * 6 + k).Remainder(6);
            return value - value * saturation * t.Minimum(4 - t).Clamp(0, 1);
        }

        return Tensor.Cat([Channel(5), Channel(3), Channel(1)], 1);
    }
}
