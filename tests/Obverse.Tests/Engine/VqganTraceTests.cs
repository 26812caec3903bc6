using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

/// <summary>VQGAN+CLIP against the authors' loop and taming's decoder (fixture tree, `traces/vqgan-clip`).</summary>
public class VqganTraceTests
{
    public static TheoryData<string> Loops => Fixtures.Traces("vqgan");

    [SkippableTheory]
    [MemberData(nameof(Loops))]
    public void The_loop_is_the_authors_step_by_step(string name)
    {
        using var scope = new TensorScope();
        using var trace = new Case(name);
        using var tower = TinyTower.Of(trace, trace.Config.GetProperty("clip").GetString()!, trace.Config.GetProperty("quick_gelu").GetBoolean());
        var model = TensorScope.Unscoped(() => Vqgan.Load(Fixtures.Require(Path.Combine(Path.GetDirectoryName(name)!, "tiny-vqgan.safetensors"))));
        var (side, latent, cuts) = (trace.Int("clip_size"), trace.Int("latent"), trace.Int("cutn"));
        var picture = (long)latent * model.Config.Factor;
        var vqgan = new VqganCanvas(model, model.Rows(trace["draw.start"].Reshape(1, latent, latent)), picture, picture);
        var z = vqgan.Groups[0].Parameters[0];
        var step = 0;
        var tied = new HashSet<int>();

        var weights = trace.Config.GetProperty("weights").EnumerateArray().Select(w => w.GetDouble()).ToArray();
        var stops = trace.Config.GetProperty("stops").EnumerateArray().Select(s => s.ValueKind == System.Text.Json.JsonValueKind.Null ? (double?)null : s.GetDouble()).ToArray();
        string Named(int p) => p == 0 ? Targets.Prompt : $"prompt{p}";
        var targets = new Targets();
        Objective? objective = null;
        for (var p = 0; p < weights.Length; p++)
        {
            targets[Named(p)] = [new Target(trace["in.text"].Narrow(0, p, 1).Normalized(), Tensor.From([(float)weights[p]]))];
            Objective own = new Toward(Distance.Spherical, Named(p)) { Stop = stops[p] };
            objective = objective is null ? own : objective + own;
        }

        ViewParameters Of(string part, params string[] names) => Replayed.From(trace, step, part, names);
        var views = trace.Config.GetProperty("cutouts").GetString() == "classic"
            ? Replayed.Chain(cuts, (new LanczosCutView { Size = side }, () => Of("", "box")), (new ClipView { KeepsGradient = true }, () => ViewParameters.None))
            : Replayed.Chain(cuts, Views.Plain.LatestCutouts(side).Chain.Select(view => (view, (Func<ViewParameters>)(() => view switch
            {
                AffineView => Of("affine", "angle", "tx", "ty", "shear_x", "shear_y", "on"),
                KorniaPerspectiveView => Of("perspective", "start", "end", "on"),
                ColorJitterView => Of("colour", "brightness", "contrast", "saturation", "hue", "order", "on"),
                EraseView => Of("erase", "x", "y", "w", "h", "on"),
                VariedNoiseView => Of("", "factor", "noise"),
                _ => ViewParameters.None,
            }))).ToArray());
        var canvas = new Before(vqgan, () => trace.Meets($"out.step{step}.z_before_clamp", z));
        using var inversion = Spies.Inversion((what, got) =>
            {
                if (what == "image")
                {
                    using var still = new NoGrad();
                    trace.MeetsIfStored($"out.step{step}.raw", vqgan.Render());
                    trace.Near($"out.step{step}.indices", Vqgan.Nearest(z, model.Codebook), 0);
                }

                if (what == "grad_raw" && trace.Has($"out.step{step}.grad_raw"))
                {
                    // Among saturated channels of a pixel the colour jitter's hue has ties: which one gets the gradient is open. The step goes on with the reference's gradient.
                    using var still = new NoGrad();
                    var tolerance = trace.Json.GetProperty("tensors").GetProperty($"out.step{step}.grad_raw").GetProperty("tol").GetDouble();
                    var off = (trace[$"out.step{step}.grad_raw"] - got).Abs() > tolerance;
                    var count = off.To(DType.Int64).Sum().Item();
                    if (count > 0 && count <= 0.002 * got.Elements && ((vqgan.Render() > 1).To(DType.Int64) * off.To(DType.Int64)).Sum().Item() == count) tied.Add(step);
                    else trace.Meets($"out.step{step}.grad_raw", got);
                }

                if (what == "grad.z" && tied.Contains(step)) got.CopyInPlace(trace[$"out.step{step}.grad_z"]);
                else if (what == "grad.z") trace.Meets($"out.step{step}.grad_z", got);
                if (what == "views0") trace.MeetsIfStored($"out.step{step}.cutouts", got);
                if (what == "embeddings0")
                {
                    for (var p = 0; p < weights.Length; p++)
                    {
                        var distances = ((got.Squeeze(0) - trace["in.text"].Narrow(0, p, 1).Normalized()).Norm(-1) / 2).Asin().Square() * (2 * Math.Sign(weights[p]));
                        trace.MeetsIfStored($"out.step{step}.prompt{p}.dists", distances);
                        trace.MeetsIfStored($"out.step{step}.prompt{p}.loss", distances.Mean() * Math.Abs(weights[p]));
                    }
                }
            }, canvas, tower, targets, views, objective!, Schedule.Adam(trace.Number("lr")).Steps(trace.Int("steps")));
        foreach (var done in inversion.Run())
        {
            trace.Meets($"out.step{step}.loss", Tensor.Number(done.Loss, DType.Float64));
            trace.Meets($"out.step{step++}.z", z);
        }

        Assert.Equal(trace.Int("steps"), step);
        Assert.True(tied.Count < step, "a tie in every step");
        trace.EveryOutputIsMet([.. tied.Select(at => ($@"step{at}\.grad_(raw|z)", "a tie between saturated channels"))]);
    }

    /// <summary>Looks between the optimiser's step and the constraint.</summary>
    internal sealed class Before(Canvas inner, Action look) : CanvasWrapper(inner)
    {
        public override void Constrain()
        {
            look();
            base.Constrain();
        }
    }
}
