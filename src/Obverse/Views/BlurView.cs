using Obverse.Torch;

namespace Obverse;

/// <summary>
/// Gaussian blur: exp(-i²/2σ²) for |i| up to a radius, normalised, rows then columns, mirrored at the border without repeating its pixel (implicit-inversion 2.4).
/// Parameters: sigma, pixels, [count]; nothing where it is fixed.
/// </summary>
[Part("blur")]
public sealed record BlurView : View
{
    [Limit(0, 1000)]
    public Interval Sigma { get; init; } = new(1, 1);

    /// <summary>Pixels; none: ceil(3σ) of the largest σ, and where a side is not above that, σ = side/8 at most.</summary>
    [Limit(0, 1000)]
    public int? Radius { get; init; }
    protected internal override bool IsRandom => Sigma.Low != Sigma.High;

    public override ViewParameters Sample(Generator random, long count, long height, long width) => IsRandom ? new() { ["sigma"] = Sigma.Draw(random, count) } : ViewParameters.None;

    public override Tensor Apply(Tensor images, ViewParameters parameters)
    {
        var (n, c, h, w) = (images.Size(0), images.Size(1), images.Size(2), images.Size(3));
        var side = Math.Min(h, w);
        var most = Sigma.High;
        if (Radius is null && Math.Ceiling(3 * most) >= side) most = side / 8.0;
        var radius = Radius ?? (int)Math.Ceiling(3 * most);
        if (radius >= side) throw new ArgumentException($"Blur: a radius of {radius} was given for a picture of {h} x {w}; reflection padding needs it below the side");
        double[] sigmas = IsRandom ? parameters.Numbers("sigma", n) : [most];
        var kernel = Tensor.From((double[])[.. sigmas.SelectMany(sigma => Taps(Math.Min(sigma, most), radius))], sigmas.Length, 2 * radius + 1).To(images.Device, images.DType);
        var weight = (sigmas.Length == 1 ? kernel.Expand(n * c, 2 * radius + 1) : kernel.RepeatInterleave(c, 0)).Reshape(n * c, 1, 1, 2 * radius + 1);
        return images.Reshape(1, n * c, h, w).Pad([radius, radius, radius, radius], "reflect")
            .Conv2d(weight, groups: n * c).Conv2d(weight.Transpose(2, 3), groups: n * c).Reshape(n, c, h, w);
    }

    private static double[] Taps(double sigma, int radius)
    {
        double[] taps = [.. Enumerable.Range(-radius, 2 * radius + 1).Select(i => i == 0 ? 1 : Math.Exp(-i * i / (2 * sigma * sigma)))];
        var sum = taps.Sum();
        return Array.ConvertAll(taps, tap => tap / sum);
    }
}
