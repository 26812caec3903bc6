using System.Diagnostics;
using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>
/// Updates of SD-IPC-FT (both losses of eq. 9, batch 1) or SD-IPC-CT (the converted picture's alone, batch 2) at full size with random weights: ViT-L/14 with 50 deep prompts a block, the UNet of Stable Diffusion 1.x at 64 x 64
/// latents, AdamW over prompts, keys and values; seconds of the first and of one of the others, and peak memory.
/// </summary>
internal static class TuneStep
{
    public static void Run(bool concept, bool recomputes, Precision precision, int updates)
    {
        var batch = concept ? 2 : 1;
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
        (double Wall, double Cpu) later = default;
        for (var update = 0; update < updates; update++)
        {
            var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            using var scope = new TensorScope();
            adam.ZeroGrad();
            var (latents, noise) = (random.Normal(batch, 4, 64, 64), random.Normal(batch, 4, 64, 64));
            long[] times = [.. Enumerable.Range(0, batch).Select(i => 100L + 700 * i / batch)];
            var text = random.Normal(batch, 77, 768);
            var converted = PromptConverter.Variation(converter.Convert(prompts.Forward(random.Normal(batch, 3, 224, 224), random)), text.Narrow(0, 0, 1));
            var loss = DenoisingLoss.Of(unet, NoiseSchedule.StableDiffusion1, latents, converted, noise, times);
            if (!concept) loss += DenoisingLoss.Of(unet, NoiseSchedule.StableDiffusion1, latents, text, noise, times);
            loss.Backward();
            adam.ClipNorm(1);
            adam.Step();
            var (wall, cpu) = (watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - before).TotalSeconds);
            if (update > 0) later = (later.Wall + wall / (updates - 1), later.Cpu + cpu / (updates - 1));
            else
            {
                Timing.Print("first_step_seconds", wall);
                Timing.Print("first_cpu_seconds", cpu);
            }
        }

        Timing.Print("later_step_seconds", later.Wall);
        Timing.Print("later_cpu_seconds", later.Cpu);

        Timing.Print("peak_mb", Timing.PeakMegabytes());
    }
}
