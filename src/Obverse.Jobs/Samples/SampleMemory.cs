using System.Globalization;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>What a sample takes, reckoned before anything of its size is allocated: weights, a step of the UNet, the autoencoder. Held against a measured step (docs/log/2026-11.md).</summary>
/// <param name="Weights">All parts', in the type they are computed in.</param>
/// <param name="Step">The UNet's activations.</param>
/// <param name="Autoencoder">The decoder's, tiled where it is.</param>
internal readonly record struct SampleMemory(double Weights, double Step, double Autoencoder)
{
    private const double Usual = 1.55 * MemoryLimit.GB;

    public double Total => Weights + Math.Max(Step, Autoencoder);

    public static SampleMemory Of(StableDiffusionModel model, long height, long width, bool isGuided)
    {
        var (count, type) = model.Numbers;
        double number = type == DType.BFloat16 ? 2 : 4;
        var (unet, stride) = (model.UNetConfig, model.AutoencoderConfig.Stride);
        var (places, skips, block) = ((double)(height / stride) * (width / stride), 0.0, 0.0);
        for (var i = 0; i < unet.Channels.Count; i++, places /= 4)
        {
            skips += 2 * places * unet.Channels[i] * (unet.LayersPerBlock + 1); // what blocks give on the way down and up
            block = Math.Max(block, places * unet.Channels[i] * (unet.Attention[i] ? 27 : 13)); // the feed-forward layer's 8 + 4 + 4 times the channels beside what leads to it
        }

        return new(count * number, (skips + block) * number * (isGuided ? 2 : 1), AutoencoderTiles.BytesOf(model.AutoencoderConfig, height, width));
    }

    /// <summary>Refuses what takes more than OBVERSE_MEMORY, or, where that is not set, than twice the model's own side.</summary>
    /// <exception cref="UsageException">The message says what it would take and what would fit.</exception>
    public static void Check(SampleJob job, StableDiffusionModel model)
    {
        var stride = model.AutoencoderConfig.Stride;
        SampleMemory At(long height, long width) => Of(model, height, width, job.Guidance != 1);
        var own = (long)model.UNetConfig.SampleSize * stride * 2;
        var limit = MemoryLimit.Asked ?? Math.Max(Usual, At(own, own).Total);
        var needs = At(job.Height, job.Width);
        if (needs.Total <= limit) return;
        long Side(int full, double scale) => Math.Max(Math.Max(PictureSize.Least, stride), (long)(full * scale / stride) * stride);
        var scale = 1.0;
        while (scale > 1e-3 && At(Side(job.Height, scale), Side(job.Width, scale)).Total > limit) scale *= 0.98;
        throw new UsageException(string.Create(CultureInfo.InvariantCulture,
            $"{job.Width}x{job.Height} takes about {MemoryLimit.Show(needs.Total + MemoryLimit.Program)} (weights {MemoryLimit.Show(needs.Weights)}, a step {MemoryLimit.Show(needs.Step)}, the autoencoder {MemoryLimit.Show(needs.Autoencoder)}), the limit is {MemoryLimit.Show(limit + MemoryLimit.Program)}: {(scale > 1e-3 ? $"--size {Side(job.Width, scale)}x{Side(job.Height, scale)} would fit; " : "")}OBVERSE_MEMORY={Math.Ceiling((needs.Total + MemoryLimit.Program) / MemoryLimit.GB * 1.1)}GB raises it"));
    }
}
