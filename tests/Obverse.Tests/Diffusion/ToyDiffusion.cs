using Obverse.Models;
using Obverse.Torch;
using Obverse.Training;

namespace Obverse.Tests.Diffusion;

/// <summary>A Stable Diffusion model of tiny shape with random weights, none of them zero, beside the CLIP that gives its rows.</summary>
internal static class ToyDiffusion
{
    public const int Side = 16;

    public static UNetConfig Shape { get; } = new() { InChannels = 6, OutChannels = 6, SampleSize = Side / 2, Channels = [8, 16], Attention = [false, true], LayersPerBlock = 1, ContextWidth = 32, Heads = [2, 2], Groups = 4 };

    /// <summary>Writes a folder.</summary>
    /// <param name="clip">The name of a model beside it whose text rows are 32 wide.</param>
    public static void Write(string folder, string clip, ulong seed = 3)
    {
        using var random = new Generator(seed);
        var (unet, _) = New(random, Shape);
        var autoencoder = new AutoencoderOptions { Channels = [8, 8], Groups = 4, Side = Side }.Config with { ScalingFactor = 1 };
        using (unet) Save(unet, Path.Combine(folder, "unet"));
        Shape.Save(Path.Combine(folder, "unet", "config.json"));
        using (var weights = TensorScope.Unscoped(() => Weights.New(random)))
        {
            _ = TensorScope.Unscoped(() => new Autoencoder(weights, autoencoder));
            Save(weights, Path.Combine(folder, "vae"));
        }

        autoencoder.Save(Path.Combine(folder, "vae", "config.json"));
        var schedule = NoiseSchedule.StableDiffusion1 with { Sampler = "DDIMScheduler" };
        Directory.CreateDirectory(Path.Combine(folder, "scheduler"));
        schedule.Save(Path.Combine(folder, "scheduler", "scheduler_config.json"));
        StableDiffusionModel.WriteIndex(folder, clip, 16, schedule.Sampler);
    }

    /// <summary>A new UNet whose zero weights are drawn too: with zeros no gradient passes.</summary>
    public static (Weights Weights, UNet UNet) New(Generator random, UNetConfig shape)
    {
        var weights = TensorScope.Unscoped(() => Weights.New(random));
        var unet = TensorScope.Unscoped(() => new UNet(weights, shape));
        using var still = new NoGrad();
        using var scope = new TensorScope();
        foreach (var weight in weights.All.Values.Where(w => w.Dims > 1)) weight.AddInPlace(random.Normal(weight.Shape), 0.05);
        return (weights, unet);
    }

    private static void Save(Weights weights, string part) => ModelWriter.Save(part, weights.All);
}
