using System.Diagnostics;
using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>
/// An update of SD-IPC-FT at full size with random weights: ViT-L/14 with 50 deep prompts a block, the UNet of Stable Diffusion 1.x at 64 x 64 latents, both losses of eq. 9, AdamW over prompts, keys and values; seconds and peak memory.
/// </summary>
internal static class TuneStep
{
    public static void Run(int batch, bool recomputes, Precision precision)
    {
        using var random = new Generator(1);
        var drawing = Stopwatch.StartNew();
        using var weights = Weights.New(random, precision);
        var unet = TensorScope.Unscoped(() => new UNet(weights, UNetConfig.StableDiffusion1));
        unet.Recomputes = recomputes;
        using (new NoGrad()) foreach (var name in weights.All.Keys.Where(name => name.EndsWith("proj_out.weight", StringComparison.Ordinal) || name is "conv_out.weight")) weights.All[name].AddInPlace(random.Normal(weights.All[name].Shape).To(weights.All[name].DType), 0.01); // zeros would let no gradient pass
        using var clip = ClipModel.Random(ClipConfig.Named("ViT-L-14", Activation.QuickGelu), random, precision);
        using var prompts = PicturePrompts.New(clip, DeepPrompts.UsualCount, PromptPlacement.Insert, random);
        using var converter = new PromptConverter(clip.Weights.All["text_projection"], cutoff: 0);
        Tensor[] learned = [.. weights.All.Where(w => UNet.IsKeyOrValue(w.Key)).Select(w => w.Value), .. prompts.Parameters.Values];
        foreach (var tensor in learned) tensor.RequiresGrad = true;
        using var adam = new Adam([new("all", learned, 1e-5) { WeightDecay = 0.01 }], decoupled: true);
        Timing.Print("drawing_seconds", drawing.Elapsed.TotalSeconds);
        Timing.Print("weights_peak_mb", Timing.PeakMegabytes());
        Timing.ResetPeak();
        foreach (var turn in (string[])["first", "second"])
        {
            var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            using var scope = new TensorScope();
            adam.ZeroGrad();
            var (latents, noise) = (random.Normal(batch, 4, 64, 64), random.Normal(batch, 4, 64, 64));
            long[] times = [.. Enumerable.Range(0, batch).Select(i => 100L + 700 * i / batch)];
            var text = random.Normal(batch, 77, 768);
            var converted = PromptConverter.Variation(converter.Convert(prompts.Forward(random.Normal(batch, 3, 224, 224), random)), text.Narrow(0, 0, 1));
            var loss = DenoisingLoss.Of(unet, NoiseSchedule.StableDiffusion1, latents, converted, noise, times) + DenoisingLoss.Of(unet, NoiseSchedule.StableDiffusion1, latents, text, noise, times);
            Timing.Print($"{turn}_forward_seconds", watch.Elapsed.TotalSeconds);
            loss.Backward();
            adam.ClipNorm(1);
            adam.Step();
            Timing.Print($"{turn}_step_seconds", watch.Elapsed.TotalSeconds);
            Timing.Print($"{turn}_cpu_seconds", (Environment.CpuUsage.TotalTime - before).TotalSeconds);
        }

        Timing.Print("peak_mb", Timing.PeakMegabytes());
    }
}
