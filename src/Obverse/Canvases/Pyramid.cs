using Obverse.Torch;

namespace Obverse;

/// <summary>
/// A sum of pictures of many resolutions, squashed: I = (1 + tanh(raw0 + sum of up(P_r))) / 2 (Direct Ascent Synthesis, Fort and Whitaker 2025;
/// spec pixel-baselines.md 3.2). With one rate for all, coarse levels move fastest under SGD.
/// </summary>
/// <param name="Levels">Number of levels: sides in equal ratios from 1 to the canvas's longer side. 0: every whole side 1, 2, 3 …, as DAS has it.</param>
/// <param name="Margin">Pixels round the picture as a share of its side (DAS: 56 of 224), which jitter may roll in; cut away at the end.</param>
/// <param name="Closed">Stores only the sum and moves it as all levels would under plain SGD: the same result without the levels' memory.</param>
/// <param name="Falloff">Levels are multiplied by (smallest side / side) to this power before they are added: 0 as DAS; above it, fine detail must be earned (the 1/f of natural pictures).</param>
/// <param name="NaturalColours">0 … 1: how far the sum's channels are mixed as colours of photographs are (spec pixel-baselines.md 3.4, lucid), so that grey costs less than purple.</param>
[Part("pyramid")]
public sealed record Pyramid([property: Limit(0, 8192)] int Levels = 0, [property: Limit(0, 1)] double Margin = 0, bool Closed = false, [property: Limit(-16, 16)] double Falloff = 0, [property: Limit(0, 1)] double NaturalColours = 0) : CanvasPlan
{
    public override Canvas Create(CanvasContext context)
    {
        var (count, height, width, random, start) = context;
        var (marginY, marginX) = ((long)(height * Margin), (long)(width * Margin));
        var (h, w) = (height + 2 * marginY, width + 2 * marginX);
        using var scope = new TensorScope();
        Tensor? raw = null;
        if (start is not null)
        {
            // Squeezed to 0.1 … 0.9, as DAS's demo does, so that tanh can still move it; grey round it.
            var inside = start.To(random.Device).Resize(height, width, Interpolation.Bicubic, antialias: true).Clamp(0, 1) * 0.8 + 0.1;
            raw = (inside.Pad([marginX, marginX, marginY, marginY], value: 0.5) * 2 - 1).Atanh().Expand(count, 3, h, w);
        }

        if (Closed && (Falloff != 0 || NaturalColours != 0)) throw new ArgumentException("the closed form of the pyramid is DAS's: no falloff, no mixed colours");
        return new PyramidCanvas(count, h, w, Sides(Math.Max(h, w)), raw, Closed, random.Device) { Margin = (marginY, marginX), Falloff = Falloff, NaturalColours = NaturalColours };
    }

    /// <summary>A picture for every level, and six more.</summary>
    public override double BytesPerStep(long height, long width) => Math.Pow(1 + 2 * Margin, 2) * height * width * 3 * sizeof(float) * ((Closed ? 4 : Sides(Math.Max(height, width)).Count) + 6);

    /// <summary>The levels' sides along the longer side of the canvas.</summary>
    public IReadOnlyList<long> Sides(long side)
    {
        if (Levels == 0) return [.. Enumerable.Range(1, (int)side).Select(r => (long)r)];
        if (Levels == 1) return [side];
        return [.. Enumerable.Range(0, Levels).Select(i => (long)Math.Round(Math.Pow(side, i / (Levels - 1.0)))).Distinct()];
    }
}

/// <summary>The levels, or only their sum. Levels of a canvas that is not square keep its shape.</summary>
public sealed class PyramidCanvas : Canvas
{
    private readonly (long Height, long Width)[] sizes;
    private readonly Tensor[] levels; // or one: the sum
    private readonly Tensor? start;
    private readonly bool closed;

    public PyramidCanvas(long count, long height, long width, IReadOnlyList<long> sides, Tensor? start = null, bool closed = false, Device? device = null)
    {
        (Count, Height, Width, this.closed) = (count, height, width, closed);
        var longer = Math.Max(height, width);
        sizes = [.. sides.Select(side => (Math.Max(1, (side * height + longer / 2) / longer), Math.Max(1, (side * width + longer / 2) / longer)))];
        levels = closed ? [Leaf(() => Tensor.Zeros([count, 3, height, width], device: device))] : [.. sizes.Select(s => Leaf(() => Tensor.Zeros([count, 3, s.Height, s.Width], device: device)))];
        this.start = start?.OwnedCopy();
    }

    public override long Count { get; }
    public override long Height { get; }
    public override long Width { get; }

    /// <summary>Rows and columns at each border that belong to no finished picture.</summary>
    public (long Y, long X) Margin { get; init; }

    /// <inheritdoc cref="Pyramid.Falloff"/>
    public double Falloff { get; init; }

    /// <inheritdoc cref="Pyramid.NaturalColours"/>
    public double NaturalColours { get; init; }

    /// <summary>[1, 1, h, w] of 0 and 1: multiplies the gradient that arrives at the sum (DAS's inpainting).</summary>
    public Tensor? Mask { get; init; }

    public override IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parameters)> Groups => closed ? [("sum", levels)] : [.. levels.Select((level, i) => ($"level{sizes[i].Height}x{sizes[i].Width}", (IReadOnlyList<Tensor>)[level]))];

    public override Tensor Render() => Squash(closed ? levels[0] : Sum(Height, Width));

    // Under a mask only the gradient changes, not the picture.
    public override Tensor Present(Tensor raw) => Mask is null ? raw : raw * Mask + raw.Detach() * (1 - Mask);

    /// <summary>In the closed form: turns dL/dS into what SGD on every level would do to the sum, sum over r of U_r U_rᵀ (dL/dS).</summary>
    public override void BeforeStep()
    {
        if (!closed) return;
        using var scope = new TensorScope();
        var gradient = levels[0].Grad!;
        var moved = gradient.ZerosLike();
        using var still = new NoGrad();
        foreach (var (h, w) in sizes)
        {
            using var level = new TensorScope(); // hundreds of levels, each enlarged to the whole size
            moved.AddInPlace((h, w) == (Height, Width) ? gradient : Up(gradient.ResizeAdjoint(h, w, Kernel(h, w)), Height, Width));
        }

        gradient.CopyInPlace(moved);
    }

    public override Tensor Finish(Tensor raw) => Crop(raw.Detach(), Margin).Clamp(0, 1);

    /// <summary>At another size every level is enlarged from what it is, so a picture may be drawn small and rendered large.</summary>
    public override Tensor Show(long height, long width)
    {
        var (h, w) = (Height - 2 * Margin.Y, Width - 2 * Margin.X);
        if (closed || (h, w) == (height, width) || start is not null) return base.Show(height, width);
        var (marginY, marginX) = (Margin.Y * height / h, Margin.X * width / w);
        return Crop(Squash(Sum(height + 2 * marginY, width + 2 * marginX)).Detach(), (marginY, marginX)).Clamp(0, 1);
    }

    public override Tensor? ShowRows(long height, long width, long top, long count)
    {
        var (h, w) = (Height - 2 * Margin.Y, Width - 2 * Margin.X);
        if (closed || start is not null) return null;
        var (marginY, marginX) = (Margin.Y * height / h, Margin.X * width / w);
        var enlarged = levels.Select(level => level.ResizeRows(height + 2 * marginY, width + 2 * marginX, top + marginY, count, Kernel(level.Size(2), level.Size(3)))).ToArray();
        return enlarged.Contains(null) ? null : Crop(Squash(Mixed(enlarged!)).Detach(), (0, marginX));
    }

    public override void Dispose()
    {
        base.Dispose();
        start?.Dispose();
    }

    private Tensor Sum(long height, long width) => Mixed([.. levels.Select(level => Up(level, height, width))]);

    // Of the levels at one size.
    private Tensor Mixed(Tensor[] enlarged)
    {
        Tensor Level(int i)
        {
            var up = enlarged[i];
            return Falloff == 0 ? up : up * Math.Pow(Math.Max(sizes[0].Height, sizes[0].Width) / (double)Math.Max(sizes[i].Height, sizes[i].Width), Falloff);
        }

        var sum = Level(0);
        for (var i = 1; i < levels.Length; i++) sum = sum + Level(i);
        return NaturalColours == 0 ? sum : sum.Conv2d(Tensor.Eye(3).Reshape(3, 3, 1, 1).Lerp(Photographic, NaturalColours).To(sum.Device));
    }

    // Square root of the covariance of photographs' colours, by its largest column: lucid optvis/param/color.py. [3, 3, 1, 1], out x in.
    private static Tensor Photographic
    {
        get
        {
            double[] root = [0.26, 0.09, 0.02, 0.27, 0.00, -0.05, 0.27, -0.09, 0.03];
            var longest = Enumerable.Range(0, 3).Max(c => Math.Sqrt(Enumerable.Range(0, 3).Sum(r => root[3 * r + c] * root[3 * r + c])));
            return Tensor.From([.. root.Select(v => (float)(v / longest))], 3, 3, 1, 1);
        }
    }

    private Tensor Squash(Tensor sum) => (start is null ? sum : sum + start).Tanh() * 0.5 + 0.5;

    private static Tensor Up(Tensor level, long height, long width) =>
        level.Size(2) == height && level.Size(3) == width ? level : level.Resize(height, width, Kernel(level.Size(2), level.Size(3)));

    private static Interpolation Kernel(long height, long width) => height == 1 && width == 1 ? Interpolation.Nearest : Interpolation.Bicubic;

    private static Tensor Crop(Tensor image, (long Y, long X) margin) =>
        margin == (0, 0) ? image : image.Narrow(2, margin.Y, image.Size(2) - 2 * margin.Y).Narrow(3, margin.X, image.Size(3) - 2 * margin.X);
}
