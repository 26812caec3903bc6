using Obverse.Torch;

namespace Obverse;

/// <summary>
/// Pixels that a dynamic threshold holds in [0, 1] after every step (CLIPAG's generator-free synthesis, Ganz and Elad 2023; spec clipag.md 4.2, step 6): with y = 2x - 1 and
/// s = max(1, the quantile of |y| over all values), y is clamped to ±s and divided by s.
/// </summary>
/// <param name="Quantile">0.95 in the authors' notebook (0.995 is its function's default, never used). 1: the largest value, so nothing is cut off.</param>
/// <param name="Noise">Without a start picture: U[0, this].</param>
/// <param name="Truncates">Finished by cutting off after 255 x, as the notebook does; else rounded.</param>
[Part("thresholded-pixels")]
public sealed record ThresholdedPixels([property: Limit(0, 1)] double Quantile = 0.95, [property: Limit(0, 1)] double Noise = 0.05, bool Truncates = true) : CanvasPlan
{
    public override Canvas Create(CanvasContext context)
    {
        var (count, height, width, random, start) = context;
        using var scope = new TensorScope();
        return new ThresholdedPixelCanvas(start is null ? random.Uniform(0, Noise, count, 3, height, width) : start.To(random.Device).Expand(count, 3, height, width), this);
    }
}

/// <summary>The pictures [count, 3, h, w] are the one parameter group, "pixels".</summary>
public sealed class ThresholdedPixelCanvas(Tensor start, ThresholdedPixels plan) : Canvas
{
    private readonly Tensor pixels = Leaf(() => start);

    public override long Count => pixels.Size(0);
    public override long Height => pixels.Size(2);
    public override long Width => pixels.Size(3);
    public override IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parameters)> Groups => [("pixels", [pixels])];

    public override Tensor Render() => pixels;
    public override Tensor Present(Tensor raw) => raw;

    public override void Constrain()
    {
        using var still = new NoGrad();
        for (var i = 0; i < Count; i++)
        {
            var one = pixels.Narrow(0, i, 1);
            one.CopyInPlace(Threshold(one, plan.Quantile).Image);
        }
    }

    /// <summary>A picture after the dynamic threshold, and the quantile before it is raised to 1.</summary>
    public static (Tensor Image, double Scale) Threshold(Tensor image, double quantile)
    {
        var y = image.Detach() * 2 - 1;
        var s = y.Abs().Quantile(quantile);
        var bound = Math.Max(1, s);
        return (y.Clamp(-bound, bound) / bound * 0.5 + 0.5, s);
    }

    public override Tensor Finish(Tensor raw) => plan.Truncates ? (base.Finish(raw) * 255).Floor() / 255 : base.Finish(raw);
}
