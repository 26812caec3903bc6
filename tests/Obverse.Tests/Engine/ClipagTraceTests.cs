using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

/// <summary>CLIPAG's generator-free synthesis against the authors' notebook (fixture tree, `traces/clipag`).</summary>
public class ClipagTraceTests
{
    public static TheoryData<string> Mixtures => Fixtures.Traces("gmm");
    public static TheoryData<string> Syntheses => Fixtures.Traces("clipag");

    [SkippableTheory]
    [MemberData(nameof(Mixtures))]
    public void Start_samples_are_the_notebooks(string name)
    {
        using var scope = new TensorScope();
        using var trace = new Case(name);
        using var mixture = GaussianMixture.Of(trace["in.images"].To(DType.Float32) / 255, trace["in.labels"].ToArray<long>(), trace.Int("small"));
        Assert.Equal(trace.Int("classes"), mixture.Classes);
        for (var c = 0; c < mixture.Classes; c++)
        {
            trace.Meets($"out.class{c}.mean", mixture.Mean(c));
            trace.Meets($"out.class{c}.cov", mixture.Covariance(c));
        }

        var noise = trace["draw.eps"];
        var small = mixture.Sample(noise, [.. Enumerable.Range(0, (int)noise.Size(0)).Select(i => i / 50)]);
        trace.Meets("out.small", small);
        var side = trace.Int("size");
        var every = Tensor.From((long[])[.. Enumerable.Range(0, (int)noise.Size(0)).Where(i => i % trace.Int("keep_every") == 0).Select(i => (long)i)]);
        trace.Meets("out.samples", small.IndexSelect(0, every).Resize(side, side, Interpolation.Bilinear, antialias: true));
        trace.EveryOutputIsMet();
    }

    [SkippableTheory]
    [MemberData(nameof(Syntheses))]
    public void Synthesis_is_the_notebook_step_by_step(string name)
    {
        using var scope = new TensorScope();
        using var trace = new Case(name);
        using var tower = TinyTower.Of(trace, trace.Config.GetProperty("clip").GetString()!, trace.Config.GetProperty("quick_gelu").GetBoolean());
        var (side, views, crop) = (trace.Int("clip_size"), trace.Int("views"), trace.Int("crop"));
        var targets = new Targets(Target.Of(trace["in.text"].Normalized()));

        var (start, index, cosines) = new GaussianStart().Best(trace["in.gmm_samples"], tower, targets, side, side);
        trace.Meets("out.start.cos", cosines);
        trace.Meets("out.start.image", start);
        trace.Near("out.start.index", Tensor.Number(index), 0);

        var step = 0;
        (View, Func<ViewParameters>)[] Augment(string branch) =>
        [
            (new DiffColorView(), () => Replayed.From(trace, step, branch, "brightness", "saturation", "contrast")), (new ShiftView(), () => Replayed.From(trace, step, branch, "shift_row", "shift_col")),
            (new RescaleView(), () => Replayed.From(trace, step, branch, "ratio")), (new CutoutView(), () => Replayed.From(trace, step, branch, "cut_row", "cut_col")),
        ];
        var noise = trace.Number("noise");
        var global = Replayed.Chain(views, [(new NoiseView { Sigma = noise }, () => new() { ["noise"] = trace[$"draw.step{step}.view_noise"] }), .. Augment("view")]);
        Tensor? crops = null;
        var patches = Replayed.Chain(trace.Int("patches"),
        [
            (new NoiseView { Sigma = noise, IsShared = true }, () => new() { ["noise"] = trace[$"draw.step{step}.patch_noise"].Expand(trace.Int("patches"), -1, -1, -1) }),
            (new PatchView { Size = crop, To = side, Antialias = true }, () => new() { ["box"] = Tensor.Cat([trace[$"draw.step{step}.corner"], Tensor.Full([trace.Int("patches"), 2], crop, DType.Int64)], 1) }),
            (new Watched(image => crops = image.Clamp(0, 1).OwnedCopy()), () => ViewParameters.None), (new ClipView(), () => ViewParameters.None), .. Augment("patch"),
        ]);
        var pixels = new ThresholdedPixelCanvas(start, new ThresholdedPixels(trace.Number("threshold")));
        var best = new BestCanvas(new Between(pixels, () =>
        {
            trace.Meets($"out.step{step}.after_adamw", pixels.Render());
            trace.Meets($"out.step{step}.s", Tensor.Number(ThresholdedPixelCanvas.Threshold(pixels.Render(), trace.Number("threshold")).Scale, DType.Float64));
        }));
        var branch = 0;
        var toward = new Toward { Rejects = trace.Number("rejection") };
        using var inversion = Spies.Inversion((what, got) =>
            {
                if (what == "views0") trace.MeetsIfStored($"out.step{step}.{(branch == 0 ? "global" : "patch")}_views", got);
                if (what == "embeddings0")
                {
                    var losses = 1 - got.Squeeze(0).Matmul(targets[Targets.Prompt][0].Direction);
                    if (branch == 0) trace.Meets($"out.step{step}.clip_loss", losses.Mean());
                    else
                    {
                        if (toward.Rejects > 0) trace.Meets($"out.step{step}.reject_threshold", Tensor.Number(losses.Quantile(toward.Rejects), DType.Float64));
                        trace.Meets($"out.step{step}.patch_losses", losses);
                    }

                    branch = 1 - branch;
                }

                if (what == "grad_raw") trace.MeetsIfStored($"out.step{step}.grad", got);
                if (what == "grad_norm") trace.Meets($"out.step{step}.grad_norm", got);
                if (what == "grad.pixels") trace.Meets($"out.step{step}.grad_clipped", got);
            }, best, tower, targets, global, best.Watching(trace.Number("lambda_clip") * Objective.Toward() + trace.Number("lambda_patch") * ((Objective)toward).Through(patches)),
            Schedule.AdamW(trace.Number("lr"), trace.Number("weight_decay")).Clip(trace.Number("max_norm")).Steps(trace.Int("steps")));
        foreach (var done in inversion.Run())
        {
            using var inner = new TensorScope();
            trace.MeetsIfStored($"out.step{step}.patch_crops", crops!);
            crops!.Dispose();
            trace.Meets($"out.step{step}.loss", Tensor.Number(done.Loss, DType.Float64));
            trace.Meets($"out.step{step}.image", pixels.Render());
            step++;
        }

        Assert.Equal(trace.Int("steps"), step);
        trace.Near("out.best.step", Tensor.Number(best.Step!.Value), 0);
        trace.Meets("out.best.image", best.State().Single(pair => pair.Key == "best").Value);
        trace.Meets("out.best.uint8", inversion.Show().ToPicture() is var picture ? Tensor.From(picture.Rgb, side, side, 3).Permute(2, 0, 1) : throw new InvalidOperationException());
        trace.EveryOutputIsMet();
    }

    // Looks between the optimiser's step and the threshold.
    private sealed class Between(ThresholdedPixelCanvas inner, Action look) : CanvasWrapper(inner)
    {
        public override void Constrain()
        {
            look();
            base.Constrain();
        }
    }

    private sealed record Watched(Action<Tensor> Look) : View
    {
        public override ViewParameters Sample(Generator random, long count, long height, long width) => ViewParameters.None;

        public override Tensor Apply(Tensor images, ViewParameters parameters)
        {
            Look(images);
            return images;
        }
    }
}
