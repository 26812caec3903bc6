using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

/// <summary>Strokes: the rasteriser, its gradients and CLIPDraw's loop against the specification (fixture tree, `traces/clipdraw`).</summary>
public class ClipDrawTraceTests
{
    public static TheoryData<string> Rasters => Fixtures.Traces("strokes");
    public static TheoryData<string> Supersampled => Fixtures.Traces("supersampled");
    public static TheoryData<string> Loops => Fixtures.Traces("clipdraw");

    [SkippableTheory]
    [MemberData(nameof(Rasters))]
    public void Strokes_and_their_gradients_are_the_specifications(string name)
    {
        using var scope = new TensorScope();
        using var trace = new Case(name);
        var paths = Paths(trace);
        var size = trace.Int("size");
        var plan = new Strokes(Pieces: trace.Int("pieces"));
        foreach (var plain in new[] { false, true })
        {
            using var canvas = new StrokeCanvas(plan, paths, size, size);
            var image = plain ? canvas.PlainRender() : canvas.Render();
            trace.Meets("out.image", image.Squeeze(0).Permute(1, 2, 0));
            Tensor[] parameters = [.. canvas.Groups.SelectMany(group => group.Parameters)];
            var gradients = Tensor.Gradients((image.Squeeze(0).Permute(1, 2, 0) * trace["in.G"]).Sum(), parameters);
            MeetGradients(trace, "out.grad", paths, gradients[0]!, gradients[1]!, gradients[2]!);
        }

        using var swapped = new StrokeCanvas(plan, [.. paths[..^2], paths[^1], paths[^2]], size, size);
        trace.Meets("out.swapped", swapped.Render().Squeeze(0).Permute(1, 2, 0));
        trace.Meets("out.coverage", Tensor.Stack([.. paths.Select(path =>
        {
            using var one = new StrokeCanvas(plan, [path with { Color = [0, 0, 0, 1] }], size, size);
            return 1 - one.Render().Select(1, 0).Squeeze(0);
        })]));
        trace.EveryOutputIsMet();
    }

    [SkippableTheory]
    [MemberData(nameof(Supersampled))]
    public void Soft_coverage_is_near_the_hard_one(string name)
    {
        using var scope = new TensorScope();
        using var trace = new Case(name);
        using var raster = new Case(Path.Combine(Path.GetDirectoryName(name)!, "strokes")); // whose soft coverage the checks are of
        var (size, plan) = (trace.Int("size"), new Strokes(Pieces: raster.Int("pieces")));
        var soft = Tensor.Stack([.. Paths(trace).Select(path =>
        {
            using var one = new StrokeCanvas(plan, [path with { Color = [0, 0, 0, 1] }], size, size);
            return 1 - one.Render().Select(1, 0).Squeeze(0);
        })]);
        var (most, mean) = (trace.Json.GetProperty("checks").GetProperty("largest difference of soft and hard coverage").GetDouble(), trace.Json.GetProperty("checks").GetProperty("mean difference").GetDouble());
        var difference = (soft - trace["out.hard_coverage"]).Abs();
        Assert.Equal(most, difference.Max().Item(), 1e-3);
        Assert.Equal(mean, difference.Mean().Item(), 1e-4);
    }

    [SkippableTheory]
    [MemberData(nameof(Loops))]
    public void The_loop_is_the_specifications_step_by_step(string name)
    {
        using var scope = new TensorScope();
        using var trace = new Case(name);
        using var tower = TinyTower.Of(trace, trace.Config.GetProperty("clip").GetString()!, trace.Config.GetProperty("quick_gelu").GetBoolean());
        var (size, side) = (trace.Int("size"), trace.Int("clip_size"));
        bool Is(string setting) => trace.Config.GetProperty(setting).GetBoolean();
        var paths = Paths(trace);
        var canvas = new StrokeCanvas(new Strokes(Pieces: trace.Int("pieces"), MaxWidth: trace.Number("max_width")), paths, size, size);
        var count = Is("augment") ? (int)trace["draw.step0.end"].Size(0) : 1;
        var step = 0;
        var views = Is("augment")
            ? Replayed.Chain(count, (new PerspectiveView { Fill = 1 }, () => Replayed.From(trace, step, "", "end")), (new RandomResizedCropView { Height = side, Width = side, Area = new(0.7, 0.9) }, () => Replayed.From(trace, step, "", "box")))
            : Views.Plain;
        List<Tensor> rows = [trace["in.text"].Reshape(1, -1).Normalized()];
        if (Is("negatives")) rows.AddRange(trace["in.negative"].Split(1).Select(row => row.Normalized()));
        var target = new Target(Tensor.Cat(rows), Tensor.From((float[])[1, .. Enumerable.Repeat(-0.3f, rows.Count - 1)]));
        var rates = trace.Config.GetProperty("lr_points").EnumerateArray().Select((rate, i) => ((double)i / trace.Int("steps"), rate.GetDouble())).ToArray();
        var schedule = Schedule.Adam(1).Steps(trace.Int("steps")).RateOf("points", Ramp.Staged(rates)).RateOf("widths", trace.Number("lr_width")).RateOf("colors", trace.Number("lr_color"));
        using var inversion = Spies.Inversion((what, got) =>
            {
                if (what == "image") trace.MeetsIfStored($"out.step{step}.image", got);
                if (what == "views0") trace.MeetsIfStored($"out.step{step}.views", got);
                if (what == "embeddings0")
                {
                    var cosines = got.Squeeze(0).Matmul(target.Embeddings.T()); // [views, rows]
                    trace.MeetsIfStored($"out.step{step}.cos", cosines.Narrow(1, 0, 1));
                    if (rows.Count > 1) trace.MeetsIfStored($"out.step{step}.cos_negative", trace[$"out.step{step}.cos_negative"].Size(0) == count ? cosines.Narrow(1, 1, rows.Count - 1) : cosines.Narrow(1, 1, rows.Count - 1).T());
                }

                if (what == "grad.points" && trace.Has($"out.step{step}.grad.widths")) MeetGradients(trace, $"out.step{step}.grad", paths, got, canvas.Groups[1].Parameters[0].Grad!, canvas.Groups[2].Parameters[0].Grad!);
            }, canvas, Is("normalise") ? tower : tower.WithoutNormalization(), new(target), views, count * rows.Count * Objective.Toward(Distance.Similarity), schedule);
        foreach (var done in inversion.Run())
        {
            trace.Meets($"out.step{step}.loss", Tensor.Number(done.Loss, DType.Float64));
            var now = canvas.Paths();
            for (var i = 0; i < now.Count; i++) trace.Meets($"out.step{step}.path{i}", Tensor.From(now[i].Points));
            trace.Meets($"out.step{step}.widths", canvas.Groups[1].Parameters[0]);
            trace.Meets($"out.step{step}.colors", canvas.Groups[2].Parameters[0]);
            step++;
        }

        Assert.Equal(trace.Int("steps"), step);
        trace.EveryOutputIsMet();
    }

    [Fact]
    public void A_straight_stroke_covers_twice_its_half_width()
    {
        using var scope = new TensorScope();
        using var canvas = new StrokeCanvas(new Strokes(), [new([-50, 20.3f, -10, 20.3f, 40, 20.3f, 90, 20.3f], 3, [0, 0, 0, 1])], 40, 32);
        Assert.All((1 - canvas.Render().Select(1, 0)).Sum(1).ToFloats(), column => Assert.Equal(6, column, 1e-4));
    }

    [Fact]
    public void A_drawing_comes_back_from_its_SVG()
    {
        using var scope = new TensorScope();
        using var random = new Generator(5);
        using var canvas = (StrokeCanvas)new Strokes(Count: 20).Create(1, 48, 64, random);
        var svg = canvas.ToSvg();
        using var again = new StrokeCanvas(new Strokes(), SvgStrokes.Read(svg, "drawing.svg", 64, 48), 48, 64);
        Assert.True((canvas.Render() - again.Render()).Abs().Mean().Item() < 2e-3);
        Assert.Equal((64, 48), SvgStrokes.SizeOf(svg, "drawing.svg"));
        var (a, b) = (canvas.Show(96, 128), canvas.Show());
        Assert.True((a.Resize(48, 64, Interpolation.Bilinear, antialias: true) - b).Abs().Mean().Item() < 0.02);
    }

    [Theory]
    [InlineData("<svg viewBox='0 0 10 10'><path d='M1 1 h8 v8 h-8 z' stroke='red' stroke-width='2' fill='none'/></svg>", 1, 4)]
    [InlineData("<svg viewBox='0 0 10 10'><g transform='translate(1 1) scale(2)'><path d='M0,0q1,1,2,0t2 0M1 1L2 2' style='stroke:#0f0;stroke-opacity:.5'/></g></svg>", 2, 3)]
    [InlineData("<svg width='20' height='10'><line x1='1' y1='1' x2='5' y2='5' stroke='black'/><polyline points='0 0 1 1 2 0' stroke='blue'/></svg>", 2, 3)]
    [InlineData("<svg viewBox='0 0 10 10'><path d='M1 1c1 1 2 2 3 3s1 1 2 2' stroke='#123456'/></svg>", 1, 2)]
    [InlineData("<svg viewBox='0 0 10 10'><path d='M1 1L9 9' fill='#123456'/></svg>", 1, 1)]
    public void Others_drawings_are_read(string svg, int strokes, int curves)
    {
        var read = SvgStrokes.Read(svg, "x.svg", 100, 100);
        Assert.Equal((strokes, curves), (read.Length, read.Sum(stroke => stroke.Curves)));
    }

    [Theory]
    [InlineData("a cat", "not an SVG")]
    [InlineData("<html></html>", "its root is <html>")]
    [InlineData("<svg viewBox='0 0 10 10'/>", "without a path")]
    [InlineData("<svg viewBox='0 0 10 10'><path d='M0 0B1 1' stroke='red'/></svg>", "'B' is not read")]
    [InlineData("<svg viewBox='0 0 10 10'><path d='M0 0C1 1' stroke='red'/></svg>", "a multiple of 6")]
    public void What_is_no_drawing_is_refused_in_one_line(string svg, string says)
    {
        var wrong = Assert.Throws<InvalidDataException>(() => SvgStrokes.Read(svg, "x.svg", 100, 100)).Message;
        Assert.Contains(says, wrong, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', wrong);
    }

    private static StrokePath[] Paths(Case trace)
    {
        float[] widths = trace["in.widths"].ToFloats(), colors = trace["in.colors"].ToFloats();
        return [.. widths.Select((width, i) => new StrokePath(trace[$"in.path{i}"].ToFloats(), width, colors[(4 * i)..(4 * i + 4)]))];
    }

    private static void MeetGradients(Case trace, string prefix, StrokePath[] paths, Tensor points, Tensor widths, Tensor colors)
    {
        trace.Meets($"{prefix}.widths", widths);
        trace.Meets($"{prefix}.colors", colors);
        var at = 0L;
        for (var i = 0; i < paths.Length; i++)
        {
            var count = paths[i].Points.Length / 2;
            trace.Meets($"{prefix}.path{i}", points.Narrow(0, at, count));
            at += count;
        }
    }
}
