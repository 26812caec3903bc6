using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Tests.Diffusion;

/// <summary>A Stable Diffusion model of tiny shape and random weights, all of which count: 16x16 pixels, latents of 8x8.</summary>
internal static class TinyDiffusion
{
    /// <summary>Writes one whose text encoder is the CLIP beside it.</summary>
    /// <param name="folder">Beside the CLIP.</param>
    /// <param name="clip">The CLIP's folder.</param>
    public static void Save(string folder, string clip)
    {
        using var toy = ClipModel.Load(clip);
        var unet = new UNetConfig { SampleSize = 8, Channels = [16, 32], Attention = [true, true], Heads = [2, 2], LayersPerBlock = 1, ContextWidth = toy.Config.Text.Width, Groups = 8 };
        var vae = new AutoencoderConfig { Channels = [8, 16], LayersPerBlock = 1, Groups = 4, SampleSize = 16, ScalingFactor = 1 };
        foreach (var part in (string[])["unet", "vae", "scheduler"]) Directory.CreateDirectory(Path.Combine(folder, part));
        Weights(Path.Combine(folder, "unet"), 5, weights => new UNet(weights, unet));
        Weights(Path.Combine(folder, "vae"), 6, weights => new Autoencoder(weights, vae));
        unet.Save(Path.Combine(folder, "unet", "config.json"));
        vae.Save(Path.Combine(folder, "vae", "config.json"));
        NoiseSchedule.StableDiffusion1.Save(Path.Combine(folder, "scheduler", "scheduler_config.json"));
        StableDiffusionModel.WriteIndex(folder, Path.GetFileName(clip), toy.Config.Text.ContextLength, "PNDMScheduler");
    }

    /// <summary>The weights of a part, changed by hand.</summary>
    public static void Change(string part, Func<string, Tensor, Tensor> change)
    {
        using var scope = new TensorScope();
        var file = WeightFiles.OfPart(part);
        var tensors = WeightFiles.Read(file).Select(t => KeyValuePair.Create(t.Key, change(t.Key, t.Value).Clone())).ToList();
        Safetensors.Save(file, tensors);
    }

    // Those that begin as zeros too: else neither text nor time would change anything.
    private static void Weights(string part, ulong seed, Func<Weights, object> network)
    {
        using var scope = new TensorScope();
        using var weights = Random(seed, network);
        Safetensors.Save(Path.Combine(part, "diffusion_pytorch_model.safetensors"), [.. weights.All]);
    }

    /// <summary>Weights of a network, none of them zeros.</summary>
    public static Weights Random(ulong seed, Func<Weights, object> network)
    {
        using var random = new Generator(seed);
        using var weights = Obverse.Torch.Weights.New(random);
        TensorScope.Unscoped(() => network(weights));
        return Obverse.Torch.Weights.From(weights.All.Select(t => KeyValuePair.Create(t.Key, Tensor.Owned(() => t.Value.Abs().Max().Item() == 0 ? random.Normal(t.Value.Shape) * 0.2 : t.Value.Clone()))).ToList(), "random");
    }
}
