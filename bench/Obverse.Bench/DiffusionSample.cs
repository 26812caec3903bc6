using System.Diagnostics;
using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>A whole sample of Stable Diffusion 1.x with random weights: text encoder, guided steps, decoding; seconds of each and the process's peak memory.</summary>
internal static class DiffusionSample
{
    public static void Run(string folder, int steps, int side, int? every)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var random = new Generator(1);
        var text = ClipConfig.Named("ViT-L-14").Text;
        using var textWeights = Weights.New(random, Precision.Auto);
        var encoder = TensorScope.Unscoped(() => new TextTransformer(textWeights, text));
        var watch = Stopwatch.StartNew();
        using var unet = UNet.Load(Path.Combine(folder, "unet"), precision: Precision.Auto);
        using var autoencoder = Autoencoder.Load(Path.Combine(folder, "vae"), precision: Precision.Auto);
        Timing.Print("load_seconds", watch.Elapsed.TotalSeconds);
        Timing.Print("load_peak_mb", Timing.PeakMegabytes());
        Timing.ResetPeak();
        watch.Restart();
        var rows = encoder.Hidden(Tensor.From([.. Enumerable.Range(0, 2 * text.ContextLength).Select(i => (long)(i * 37 % text.VocabularySize))], 2, text.ContextLength)).To(DType.Float32).Chunk(2);
        var (sampler, schedule) = (Sampler.Named("dpm++2m"), NoiseSchedule.StableDiffusion1);
        var plan = sampler.Plan(schedule, steps);
        using var deep = every is { } n ? new DeepFeatures(n) : null;
        using var sampling = new Sampling(sampler, Denoisers.Guided(unet, rows[0], rows[1], 7.5, deep: deep), schedule, plan, random.Normal(1, 4, side / 8, side / 8) * plan.StartScale);
        foreach (var step in sampling.Run()) step.Dispose();
        Timing.Print("steps_seconds", watch.Elapsed.TotalSeconds);
        Timing.Print("steps_peak_mb", Timing.PeakMegabytes());
        Timing.ResetPeak();
        var begun = watch.Elapsed.TotalSeconds;
        _ = autoencoder.ToPictures(sampling.Latents, AutoencoderTiles.For(autoencoder.Config, side, side));
        Timing.Print("decode_seconds", watch.Elapsed.TotalSeconds - begun);
        Timing.Print("decode_peak_mb", Timing.PeakMegabytes());
        Timing.Print("seconds", watch.Elapsed.TotalSeconds);
    }
}
