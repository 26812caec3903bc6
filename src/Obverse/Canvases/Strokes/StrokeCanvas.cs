using Obverse.Torch;

namespace Obverse;

/// <summary>A canvas that other programs can draw too: it is saved beside its picture.</summary>
public interface IDrawing
{
    /// <summary>The finished drawing as SVG.</summary>
    string ToSvg();
}

/// <summary>Strokes: the groups "points" [n, 2], "widths" [strokes] and "colors" [strokes, 4], RGBA.</summary>
public sealed class StrokeCanvas : Canvas, IDrawing
{
    private readonly Strokes plan;
    private readonly int[] curves;
    private readonly Tensor points, widths, colors;
    private double softness;

    public StrokeCanvas(Strokes plan, IReadOnlyList<StrokePath> strokes, long height, long width)
    {
        if (strokes.Count == 0) throw new ArgumentException("0 strokes were given; at least one was wanted");
        (this.plan, Height, Width, softness) = (plan, height, width, plan.SoftSteps > 0 ? plan.Softness : 1);
        curves = [.. strokes.Select(stroke => stroke.Curves)];
        points = Leaf(() => Tensor.From((float[])[.. strokes.SelectMany(stroke => stroke.Points)], strokes.Sum(stroke => stroke.Points.Length / 2), 2));
        widths = Leaf(() => Tensor.From((float[])[.. strokes.Select(stroke => stroke.Width)]));
        colors = Leaf(() => Tensor.From((float[])[.. strokes.SelectMany(stroke => stroke.Color)], strokes.Count, 4));
    }

    public override long Count => 1;
    public override long Height { get; }
    public override long Width { get; }
    public override IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parameters)> Groups => [("points", [points]), ("widths", [widths]), ("colors", [colors])];

    /// <summary>Number of strokes.</summary>
    public int Strokes => curves.Length;

    public override Tensor Render() => Draw(points, widths, Height, Width);

    /// <summary>Drawn anew at that size.</summary>
    public override Tensor Render(long height, long width) => (height, width) == (Height, Width) ? Render() : Draw(points * Tensor.From([(float)width / Width, (float)height / Height]), widths * Math.Sqrt((double)width * height / (Width * Height)), height, width);

    public override Tensor Show(long height, long width) => Finish(Render(height, width));

    public override Tensor Present(Tensor raw) => raw;

    public override bool Grow(int step)
    {
        softness = step >= plan.SoftSteps ? 1 : plan.Softness + (1 - plan.Softness) * step / plan.SoftSteps;
        return false;
    }

    public override void Constrain()
    {
        using var still = new NoGrad();
        widths.ClampInPlace(1, plan.MaxWidth);
        colors.ClampInPlace(0, 1);
    }

    /// <summary>The strokes as they are.</summary>
    public IReadOnlyList<StrokePath> Paths()
    {
        float[] p = points.ToFloats(), w = widths.ToFloats(), c = colors.ToFloats();
        var at = 0;
        return [.. curves.Select((count, i) =>
        {
            var own = p.AsSpan(at, 2 * (3 * count + 1)).ToArray();
            at += own.Length;
            return new StrokePath(own, w[i], c[(4 * i)..(4 * i + 4)]);
        })];
    }

    public string ToSvg() => SvgStrokes.Write(Paths(), Width, Height);

    /// <summary>The same picture by tensor operations, every piece at every pixel (spec canvases.md 5.3): what the kernel is tested against.</summary>
    public Tensor PlainRender()
    {
        var (h, w) = (Height, Width);
        var (x, y) = ((Tensor.Arange(w, DType.Float32) + 0.5).Reshape(1, 1, w), (Tensor.Arange(h, DType.Float32) + 0.5).Reshape(1, h, 1));
        var image = Tensor.Ones([3, h, w]);
        var at = 0L;
        for (var i = 0; i < curves.Length; i++)
        {
            var own = points.Narrow(0, at, 3 * curves[i] + 1);
            at += 3 * curves[i] + 1;
            var places = Tensor.Cat([.. Enumerable.Range(0, curves[i]).Select(s => Bernstein(plan.Pieces, s == 0).Matmul(own.Narrow(0, 3 * s, 4)))]); // [pieces + 1, 2]
            var n = places.Size(0) - 1;
            Tensor Axis(long from, int axis) => places.Narrow(0, from, n).Select(1, axis).Reshape(n, 1, 1);
            var (px, py, ex, ey) = (x - Axis(0, 0), y - Axis(0, 1), Axis(1, 0) - Axis(0, 0), Axis(1, 1) - Axis(0, 1));
            var u = ((px * ex + py * ey) / (ex * ex + ey * ey + 1e-9)).Clamp(0, 1);
            var d = ((px - u * ex).Square() + (py - u * ey).Square() + 1e-6).Sqrt().Amin([0]); // [h, w]
            var r = widths.Select(0, i);
            var alpha = colors.Select(0, i).Select(0, 3) * (Profile((d + r) / softness) - Profile((d - r) / softness));
            image = image * (1 - alpha) + colors.Select(0, i).Narrow(0, 0, 3).Reshape(3, 1, 1) * alpha;
        }

        return image.Unsqueeze(0);
    }

    private Tensor Draw(Tensor at, Tensor wide, long height, long width) => Tensor.Cat([at.Reshape(-1), wide, colors.Reshape(-1)]).DrawStrokes(curves, (int)height, (int)width, plan.Pieces, softness);

    private static Tensor Profile(Tensor x) => ((x + 1) / 2).Clamp(0, 1) is var t ? t * t * (3 - t * 2) : x;

    // [pieces + 1, 4], without the first row where a curve goes on from another.
    private static Tensor Bernstein(int pieces, bool isFirst)
    {
        List<float> rows = [];
        for (var m = isFirst ? 0 : 1; m <= pieces; m++)
        {
            var t = (double)m / pieces;
            rows.AddRange([(float)((1 - t) * (1 - t) * (1 - t)), (float)(3 * t * (1 - t) * (1 - t)), (float)(3 * t * t * (1 - t)), (float)(t * t * t)]);
        }

        return Tensor.From((float[])[.. rows], rows.Count / 4, 4);
    }
}
