using Obverse.Torch;

namespace Obverse;

/// <summary>Plain pixels, which may begin small and double at given steps (CLIP-Inv, Kazemi et al. 2024; spec pixel-baselines.md 3.1).</summary>
/// <param name="StartShare">Side at the start as a share of the final one (CLIP-Inv: 64 of 224).</param>
/// <param name="GrowAt">Steps before which the sides double, up to the final ones.</param>
/// <param name="MinMax">Finished by stretching each picture's values to 0 … 1, as CLIP-Inv saves, in place of clamping.</param>
[Part("pixels")]
public sealed record Pixels([property: Limit(0, 1)] double StartShare = 1, [property: Limit(0, 1_000_000)] ValueList<int>? GrowAt = null, bool MinMax = false) : CanvasPlan
{
    public override Canvas Create(CanvasContext context)
    {
        var (count, height, width, random, start) = context;
        var (h, w) = ((long)Math.Max(1, Math.Round(height * StartShare)), (long)Math.Max(1, Math.Round(width * StartShare)));
        using var scope = new TensorScope();
        var pixels = start is null ? random.Uniform(0, 1, count, 3, h, w) : start.To(random.Device).Resize(h, w, Interpolation.Bicubic, antialias: true).Clamp(0, 1).Expand(count, 3, h, w);
        return new PixelCanvas(pixels, height, width, this);
    }

    public override CanvasPlan Stretched(int from, int to) => this with { GrowAt = GrowAt is null ? null : [.. GrowAt.Select(step => (int)((long)step * to / from))] };
}

/// <summary>Pixels that are moved directly. Values are clamped before the optimiser's step, as CLIP-Inv does, so they may leave [0, 1] by one step.</summary>
public sealed class PixelCanvas(Tensor start, long height, long width, Pixels plan) : Canvas
{
    private Tensor pixels = Leaf(() => start);

    public override long Count => pixels.Size(0);
    public override long Height => pixels.Size(2);
    public override long Width => pixels.Size(3);
    public override IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parameters)> Groups => [("pixels", [pixels])];

    public override Tensor Render() => pixels;
    public override Tensor Present(Tensor raw) => raw;

    public override bool Grow(int step)
    {
        if (plan.GrowAt?.Contains(step) != true || (Height == height && Width == width)) return false;
        using var old = pixels;
        pixels = Leaf(() => old.Detach().Resize(Math.Min(2 * old.Size(2), height), Math.Min(2 * old.Size(3), width), Interpolation.Bicubic));
        return true;
    }

    public override void BeforeStep()
    {
        using var still = new NoGrad();
        pixels.ClampInPlace(0, 1);
    }

    public override Tensor Finish(Tensor raw)
    {
        if (!plan.MinMax) return base.Finish(raw);
        var (low, high) = (raw.Detach().Amin([1, 2, 3], keep: true), raw.Detach().Amax([1, 2, 3], keep: true));
        return (raw.Detach() - low) / (high - low).ClampMin(1e-12);
    }

    public override void Restore(Func<string, Tensor> state)
    {
        using var old = pixels;
        pixels = Leaf(() => state("pixels.0").To(old.Device));
    }
}
