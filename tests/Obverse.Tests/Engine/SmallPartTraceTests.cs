using Obverse.Models;
using Obverse.Torch;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Engine;

/// <summary>The small parts of the loops, one at a time, against their authors' functions (fixture tree, `traces/small-parts`), and the traces' towers (`traces/tiny-clip`).</summary>
public class SmallPartTraceTests
{
    public static TheoryData<string> Parts => Fixtures.Traces("parts");
    public static TheoryData<string> Towers => Fixtures.Traces("tower");

    [SkippableTheory]
    [MemberData(nameof(Parts))]
    public void Each_part_is_its_authors(string name)
    {
        using var scope = new TensorScope();
        using var trace = new Case(name);
        double[] Numbers(string setting) => [.. trace.Config.GetProperty(setting).EnumerateArray().Select(value => value.GetDouble())];

        foreach (var (i, quantile) in Numbers("thresholds").Index())
        {
            var (image, scale) = ThresholdedPixelCanvas.Threshold(trace[$"in.threshold{i}.image"], quantile);
            trace.Meets($"out.threshold{i}.image", image);
            trace.Meets($"out.threshold{i}.s", Tensor.Number(scale, DType.Float64));
        }

        var (low, high) = (Numbers("clamp")[0], Numbers("clamp")[1]);
        trace.Meets("out.clamp.grad", Gradient(trace["in.clamp.x"], x => Watched(trace, "out.clamp.y", x.ClampWithGrad(low, high)) * trace["in.clamp.g"]));

        var codebook = trace["in.quantize.codebook"];
        trace.Near("out.quantize.index", Vqgan.Nearest(trace["in.quantize.z"], codebook), 0);
        trace.Meets("out.quantize.grad", Gradient(trace["in.quantize.z"], z => Watched(trace, "out.quantize.zq", Vqgan.Quantize(z, codebook)) * trace["in.quantize.g"]));

        foreach (var (i, limit) in Numbers("grad_limits").Index())
        {
            using var optimizer = Of(trace["in.gradnorm.grad"].ZerosLike(), 0, 0, out var x);
            Push(x, trace["in.gradnorm.grad"]);
            trace.Meets($"out.gradnorm{i}.norm", Tensor.Number(optimizer.ClipNorm(limit), DType.Float64));
            trace.Meets($"out.gradnorm{i}.grad", x.Grad!);
        }

        using (var optimizer = Of(trace["in.adamw.x"], trace.Number("adamw_lr"), trace.Number("weight_decay"), out var x))
        {
            for (var step = 0; step < trace.Int("adamw_steps"); step++)
            {
                optimizer.ZeroGrad();
                Push(x, trace[$"in.adamw.grad{step}"]);
                optimizer.ClipNorm(0.001);
                optimizer.Step();
                trace.Meets($"out.adamw.x{step}", x);
            }
        }

        var pictures = trace["in.tv.x"]; // CLIP-Inv means over a batch, CLIPStyler takes one length over it
        var lengths = (Tensor x) => new NeighbourNorm().Evaluate(Seen(x)).Mean();
        var whole = (Tensor x) => new NeighbourNorm { IsWhole = true }.Evaluate(Seen(x.Reshape(1, -1, x.Size(2), x.Size(3)))).Sum();
        foreach (var (whose, loss) in ((string, Func<Tensor, Tensor>)[])[("clipinv", lengths), ("clipstyler", whole)])
        {
            trace.Meets($"out.tv.{whose}_grad", Gradient(pictures, x => Watched(trace, $"out.tv.{whose}", loss(x))));
        }

        var (a, b) = (trace["in.spherical.a"], trace["in.spherical.b"].Normalized());
        Tensor Spherical(Tensor rows, double weight, double? stop) => new Toward(Distance.Spherical) { Stop = stop }.Of(rows.Normalized().Unsqueeze(0), new(b, Tensor.From([(float)weight])));
        trace.Meets("out.spherical.dist", Tensor.Cat([.. a.Split(1).Select(row => Spherical(row, 1, null))]));
        trace.Meets("out.spherical.grad", Gradient(a, rows => Spherical(rows, 1, null) * rows.Size(0)));
        foreach (var (i, prompt) in trace.Config.GetProperty("prompts").EnumerateArray().Index())
        {
            double? stop = prompt[1].ValueKind == System.Text.Json.JsonValueKind.Null ? null : prompt[1].GetDouble();
            trace.Meets($"out.prompt{i}.grad", Gradient(a, rows => Watched(trace, $"out.prompt{i}.loss", Spherical(rows, prompt[0].GetDouble(), stop))));
        }

        trace.Meets("out.renorm.delta", Attacks.Within(trace["in.renorm.delta"], trace.Number("eps")));
        trace.EveryOutputIsMet();
    }

    [SkippableTheory]
    [MemberData(nameof(Towers))]
    public void The_towers_and_their_input_gradients_are_open_clips(string name)
    {
        using var scope = new TensorScope();
        using var trace = new Case(name);
        foreach (var output in trace.Names.Where(n => n.StartsWith("out.", StringComparison.Ordinal) && n.EndsWith(".embedding", StringComparison.Ordinal)))
        {
            var (kind, model) = (output.Split('.')[1], output.Split('.')[2]);
            using var tower = TinyTower.Of(trace, model, kind == "quickgelu");
            var inner = new Trace();
            trace.Meets($"out.{kind}.{model}.grad", Gradient(trace["in.image"], x => (Watched(trace, output, tower.Raw(x, inner)).Normalized() * trace["in.text"].Normalized()).Sum(-1)));
            foreach (var (own, theirs) in (ReadOnlySpan<(string, string)>)[("ln_1", "ln_1"), ("attention", "attn"), ("block", "block")])
            {
                for (var i = 0; trace.Has($"out.{kind}.{model}.{theirs}.{i}"); i++) trace.Meets($"out.{kind}.{model}.{theirs}.{i}", inner[$"{own}.{i}"]);
            }
        }

        trace.EveryOutputIsMet();
    }

    private static Scene Seen(Tensor image) => new(image, 0, 1, _ => throw new InvalidOperationException("no encoder"));

    private static Tensor Watched(Case trace, string output, Tensor value)
    {
        trace.Meets(output, value);
        return value;
    }

    private static Tensor Gradient(Tensor at, Func<Tensor, Tensor> loss)
    {
        var x = at.Detach().Clone();
        x.RequiresGrad = true;
        return Tensor.Gradients(loss(x).Sum(), [x])[0]!;
    }

    private static Optimizer Of(Tensor start, double rate, double decay, out Tensor x)
    {
        x = start.OwnedCopy();
        x.RequiresGrad = true;
        return new Adam([new("x", [x], rate) { WeightDecay = decay }], decoupled: true);
    }

    private static void Push(Tensor x, Tensor gradient) => (x * gradient).Sum().Backward();
}
