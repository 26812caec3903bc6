using Obverse.Jobs;
using Obverse.Retrieval;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

/// <summary>Whole optimisation loops, step by step, with recorded randomness (fixture tree, `traces`).</summary>
public class TraceTests
{
    public static TheoryData<string> ImplicitPlain => Fixtures.Traces("implicit", config => !config.GetProperty("full").GetBoolean());
    public static TheoryData<string> ImplicitFull => Fixtures.Traces("implicit", config => config.GetProperty("full").GetBoolean());
    public static TheoryData<string> ClipInv => Fixtures.Traces("clip_inv");
    public static TheoryData<string> Das => Fixtures.Traces("das");

    [SkippableTheory]
    [MemberData(nameof(ImplicitPlain))]
    public void Plain_implicit_inversion_is_the_reference_step_by_step(string name)
    {
        using var trace = new Case(name);
        using var tower = TinyTower.Of(trace, trace.Config.GetProperty("clip").GetString()!, trace.Config.GetProperty("quick_gelu").GetBoolean());
        var layers = trace.Names.Count(n => n.StartsWith("in.layer", StringComparison.Ordinal) && n.EndsWith(".weight", StringComparison.Ordinal));
        var omega = trace.Number("omega");
        var plan = new Inr(layers - 2, (int)trace["in.layer0.weight"].Size(0), InrActivation.Finer, omega, omega);
        var size = trace.Int("size");
        var canvas = new InrCanvas(plan, [.. Enumerable.Range(0, layers).Select(l => (trace[$"in.layer{l}.weight"].Unsqueeze(0), trace[$"in.layer{l}.bias"].Unsqueeze(0)))], size, size);
        var step = 0;
        var schedule = Schedule.Adam(trace.Number("eta")).Sweep(trace.Number("sigma"), trace.Number("g_min")).Steps(trace.Int("steps"));
        using var inversion = Spies.Inversion((what, got) => MeetImplicit(trace, step, what, got, canvas, trace["in.target"]), canvas, tower, new(Target.Of(trace["in.target"])),
            Views.Of((int)trace["draw.step0.scale"].Size(0)).Scale(0.8, 1.2).Shear(10).Affine(Border.Clamp).Color(0.2).Averaged(), Objective.Toward(), schedule, recorded: (n, _) => ImplicitViews(trace, n));
        foreach (var done in inversion.Run())
        {
            trace.Meets($"out.step{step}.loss", Tensor.Number(done.Loss, DType.Float64));
            trace.MeetsIfStored($"out.step{step}.lr", Tensor.From([.. Enumerable.Range(0, layers).Select(l => schedule.RateAt(step, "", l, layers))]));
            step++;
        }

        Assert.Equal(trace.Int("steps"), step);
        trace.Meets("out.final.image", inversion.Show());
        for (var l = 0; l < layers; l++)
        {
            trace.Meets($"out.final.layer{l}.weight", canvas.Groups[l].Parameters[0]);
            trace.Meets($"out.final.layer{l}.bias", canvas.Groups[l].Parameters[1]);
        }

        trace.EveryOutputIsMet((@"step\d+\.loss_blend", "plain inversion blends nothing: stored as 0"));
    }

    [SkippableTheory]
    [MemberData(nameof(ImplicitFull))]
    public void Whole_implicit_inversion_is_the_reference_step_by_step(string name)
    {
        using var scope = new TensorScope();
        using var trace = new Case(name);
        using var tower = TinyTower.Of(trace, trace.Config.GetProperty("clip").GetString()!, trace.Config.GetProperty("quick_gelu").GetBoolean());
        var layers = trace.Names.Count(n => n.StartsWith("in.bank0.layer", StringComparison.Ordinal) && n.EndsWith(".weight", StringComparison.Ordinal));
        var entries = (int)trace["in.bank_text"].Size(0);
        var (omega, size) = (trace.Number("omega"), trace.Int("size"));
        var plan = new Inr(layers - 2, (int)trace["in.bank0.layer0.weight"].Size(0), InrActivation.Finer, omega, omega);
        Tensor Stacked(int l, string what) => Tensor.Stack([.. Enumerable.Range(0, entries).Select(e => trace[$"in.bank{e}.layer{l}.{what}"])]);
        using var bank = new InrBank(plan, [.. Enumerable.Range(0, layers).Select(l => (Stacked(l, "weight"), Stacked(l, "bias")))], new RetrievalIndex(tower.Name, trace["in.bank_text"], trace["in.bank_text"]));
        using var pairs = new RetrievalIndex(tower.Name, trace["in.neighbours_text"], trace["in.neighbours_image"]);
        var prompt = trace["in.prompt"];

        trace.Near("out.retrieved", Tensor.Number(bank.Nearest(prompt), DType.Float64), 0);
        trace.Meets("out.R", Procrustes.Rotation(trace["in.neighbours_text"], trace["in.neighbours_image"]));
        var aligned = pairs.Align(prompt, (int)pairs.Count);
        trace.Meets("out.e_t2i", aligned);
        var blend = pairs.Blend(prompt, trace.Int("k_blend"), trace.Number("tau"));
        trace.Near("out.blend_index", blend.Rows, 0);
        trace.Meets("out.blend_weights", blend.Weights);
        trace.Meets("out.e_img", blend.Target);

        var step = 0;
        using var canvas = bank.Take(bank.Nearest(prompt), size, size);
        var recipe = Recipes.Implicit() with { Schedule = Recipes.Implicit().Schedule with { Rate = trace.Number("eta"), LayerSweep = new(trace.Number("sigma"), trace.Number("g_min")) } };
        recipe = recipe.Steps(trace.Int("steps")).ViewCount((int)trace["draw.step0.scale"].Size(0));
        using var inversion = Spies.Inversion((what, got) => MeetImplicit(trace, step, what, got, canvas, aligned, blend.Target), canvas, tower,
            new() { [Targets.Prompt] = [new Target(aligned.Unsqueeze(0), Tensor.Ones([1]))], [Targets.Pictures] = [Target.At(blend.Target)] }, recipe.Views, Objective.Toward() + trace.Number("beta") * Objective.Toward(Targets.Pictures), recipe.Schedule, recorded: (n, _) => ImplicitViews(trace, n));
        foreach (var done in inversion.Run())
        {
            trace.Meets($"out.step{step}.loss", Tensor.Number(done.Loss, DType.Float64));
            trace.MeetsIfStored($"out.step{step}.lr", Tensor.From([.. Enumerable.Range(0, layers).Select(l => recipe.Schedule.RateAt(step, "", l, layers))]));
            step++;
        }

        Assert.Equal(trace.Int("steps"), step);
        trace.Meets("out.final.image", inversion.Show());
        for (var l = 0; l < layers; l++)
        {
            trace.Meets($"out.final.layer{l}.weight", canvas.Groups[l].Parameters[0]);
            trace.Meets($"out.final.layer{l}.bias", canvas.Groups[l].Parameters[1]);
        }

        trace.EveryOutputIsMet(("M|singular_values", "steps on the way to R, which is compared"));
    }

    [SkippableTheory]
    [MemberData(nameof(ClipInv))]
    public void CLIP_Inv_is_its_authors_script_step_by_step(string name)
    {
        using var trace = new Case(name);
        using var tower = TinyTower.Of(trace, trace.Config.GetProperty("clip").GetString()!, trace.Config.GetProperty("quick_gelu").GetBoolean());
        var side = trace.Int("clip_size");
        var jitter = trace.Config.GetProperty("jitter").GetBoolean();
        var canvas = new PixelCanvas(trace["in.image"], side, side, new Pixels(GrowAt: [.. trace.Config.GetProperty("upscale_at").EnumerateArray().Select(a => a.GetInt32())], MinMax: true));
        var views = Views.Of(trace.Int("copies"));
        if (jitter) views = views.Roll(side);
        views = views.ClipInv().Resize(side, Interpolation.Bicubic, antialias: false).Then(new ColorShiftView { Mean = trace.Number("cg_mean"), Std = trace.Number("cg_std") });
        var step = 0;
        using var inversion = Spies.Inversion((what, got) =>
            {
                if (what == "image") trace.MeetsIfStored($"out.step{step}.upscaled", canvas.Render());
                if (what == "views0") trace.MeetsIfStored($"out.step{step}.views", got);
                if (what == "embeddings0") trace.MeetsIfStored($"out.step{step}.distances", (got - trace["in.text"].Normalized()).Square().Sum(-1).Sqrt());
                if (what == "grad_norm") trace.MeetsIfStored($"out.step{step}.grad_norm", got);
                if (what == "grad.pixels") trace.MeetsIfStored($"out.step{step}.grad_clipped", got);
            }, canvas, tower, new(Target.Of(trace["in.text"])), views, trace.Number("tv") * Objective.NeighbourNorm() + trace.Number("l1") * Objective.AbsoluteSum() + Objective.Toward(Distance.Euclidean),
            Schedule.Adam(trace.Number("lr")).Clip(1).Steps(trace.Int("steps")), recorded: (n, _) =>
            {
                List<ViewParameters> draws = [];
                if (jitter) draws.Add(new() { ["dy"] = trace[$"draw.step{n}.roll_rows"].Reshape(1), ["dx"] = trace[$"draw.step{n}.roll_cols"].Reshape(1) });
                draws.Add(Drawn(trace, n, "angle", "scale", "tx", "ty", "on").With("shear_x", 0).With("shear_y", 0));
                draws.Add(ViewParameters.None);
                draws.Add(Drawn(trace, n, "u_mean", "u_std"));
                return draws;
            });
        foreach (var done in inversion.Run())
        {
            trace.Meets($"out.step{step}.loss", Tensor.Number(done.Loss, DType.Float64));
            trace.Meets($"out.step{step}.image", canvas.Render()); // after the step
            step++;
        }

        Assert.Equal(trace.Int("steps"), step);
        trace.Meets("out.saved", inversion.Show());
        trace.EveryOutputIsMet((@"step\d+\.(tv|l1)", "parts of the loss, which is compared"));
    }

    [SkippableTheory]
    [MemberData(nameof(Das))]
    public void DAS_is_the_reference_step_by_step(string name)
    {
        using var trace = new Case(name);
        var models = trace.Config.GetProperty("models").EnumerateArray().Select(m => TinyTower.Of(trace, m[0].GetString()!, m[1].GetBoolean())).ToArray();
        using var ensemble = new EnsembleEncoder([.. models.Select(m => ((Encoder)m, 1.0))]);
        var (size, pad) = (trace.Int("canvas"), trace.Int("pad"));
        long[] sides = [.. Enumerable.Range(1, size).Select(r => (long)r)];
        foreach (var closed in new[] { false, true })
        {
            var canvas = new PyramidCanvas(1, size, size, sides, trace["in.raw0"], closed) { Margin = (pad, pad), Mask = trace.Has("in.mask") ? trace["in.mask"] : null };
            var step = 0;
            using var inversion = Spies.Inversion((what, got) =>
                {
                    if (what == "image") trace.MeetsIfStored($"out.step{step}.image", got);
                    if (what.StartsWith("views", StringComparison.Ordinal)) trace.MeetsIfStored($"out.step{step}.model{what[5..]}.views", got);
                    if (what.StartsWith("embeddings", StringComparison.Ordinal))
                    {
                        var cosines = got.Reshape(-1, got.Size(-1)).Matmul(trace[$"in.targets{what[10..]}"].Normalized().T());
                        trace.MeetsIfStored($"out.step{step}.model{what[10..]}.cos", cosines);
                        trace.MeetsIfStored($"out.step{step}.model{what[10..]}.loss", -(cosines * trace["in.values"]).Mean());
                    }

                    if (what == "grad.sum") trace.MeetsIfStored($"out.step{step}.grad_sum", got);
                }, new LastSeenCanvas(canvas), ensemble, new([.. models.Select((_, m) => new Target(trace[$"in.targets{m}"], trace["in.values"]))]),
                Views.Of((int)trace["draw.step0.model0.dx"].Size(0)).Roll(pad).Trim(pad, pad).UniformNoise(trace.Number("noise")).Clip(), Objective.Toward(Distance.Similarity), Schedule.Sgd(trace.Number("lr")).Steps(trace.Int("steps")),
                recorded: (n, m) => [new() { ["dy"] = trace[$"draw.step{n}.model{m}.dy"], ["dx"] = trace[$"draw.step{n}.model{m}.dx"] }, ViewParameters.None, new() { ["noise"] = trace[$"draw.step{n}.model{m}.noise"] }, ViewParameters.None]);
            foreach (var done in inversion.Run())
            {
                using var scope = new TensorScope();
                var losses = models.Select((_, m) => trace[$"out.step{step}.model{m}.loss"].Item()).ToArray();
                Assert.Equal(losses.Sum(), done.Loss, 2e-5);
                step++;
            }

            Assert.Equal(trace.Int("steps"), step);
            trace.Meets("out.result", inversion.Show());
            trace.Meets("out.final.image", canvas.Render());
            if (closed) continue;
            foreach (var level in trace.Config.GetProperty("stored_levels").EnumerateArray().Select(l => l.GetInt32())) trace.Meets($"out.final.level{level}", canvas.Groups[level - 1].Parameters[0]);
        }

        trace.EveryOutputIsMet();
    }

    // What a step of implicit inversion stores, by what its parts are asked.
    private static void MeetImplicit(Case trace, int step, string what, Tensor got, Canvas canvas, Tensor target, Tensor? pictures = null)
    {
        using var scope = new TensorScope();
        void Is(string name, Tensor value) => trace.MeetsIfStored($"out.step{step}.{name}", value);
        switch (what)
        {
            case "views0": Is("views", got); break;
            case "image": Is("image", got); Is("raw", canvas.Render()); break;
            case "grad_image" or "grad_raw": Is(what, got); break;
            case "embeddings0":
                var average = got.Mean(1).Normalized();
                Is("embeddings", got);
                Is("e_star", average);
                Is("loss_target", 1 - (average * target).Sum());
                if (pictures is not null) Is("loss_blend", 1 - (average * pictures).Sum());
                break;
            case "grad.layer0":
                for (var l = 0; l < canvas.Groups.Count; l++) foreach (var (part, p) in ((string[])["weight", "bias"]).Zip(canvas.Groups[l].Parameters)) Is($"grad.layer{l}.{part}", p.Grad!);
                Is("grad_norm", Tensor.Stack([.. canvas.Groups.SelectMany(layer => layer.Parameters).Select(p => p.Grad!.Norm())]));
                break;
        }
    }

    private static IReadOnlyList<ViewParameters> ImplicitViews(Case trace, int step) =>
        [Drawn(trace, step, "scale", "shear_x", "shear_y").With("angle", 0).With("tx", 0).With("ty", 0), Drawn(trace, step, "brightness", "contrast", "saturation")];

    private static ViewParameters Drawn(Case trace, int step, params string[] names)
    {
        var draws = new ViewParameters();
        foreach (var name in names) draws[name] = trace[$"draw.step{step}.{name}"];
        return draws;
    }
}

internal static class ViewParametersExtensions
{
    public static ViewParameters With(this ViewParameters draws, string name, double value)
    {
        draws[name] = Tensor.Full([1], value);
        return draws;
    }
}
