using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>UNet and autoencoder of Stable Diffusion 1.x at full size with random weights, in diffusers' layout and fp16.</summary>
internal static class RandomDiffusion
{
    public static void Write(string folder)
    {
        using var random = new Generator(1);
        using var block = random.Normal(1280 * 2560 * 9); // the largest tensor; every other one is a part of it
        UNetConfig.StableDiffusion1.Save(Part(folder, "unet"));
        Weights(folder, "unet", block, weights => new UNet(weights, UNetConfig.StableDiffusion1));
        AutoencoderConfig.StableDiffusion1.Save(Part(folder, "vae"));
        Weights(folder, "vae", block, weights => new Autoencoder(weights, AutoencoderConfig.StableDiffusion1));
        Timing.Print("megabytes", Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length) / 1e6);
    }

    private static string Part(string folder, string part) => Path.Combine(Directory.CreateDirectory(Path.Combine(folder, part)).FullName, "config.json");

    private static void Weights(string folder, string part, Tensor block, Func<Weights, object> network)
    {
        using var scope = new TensorScope();
        using var shapes = Torch.Weights.Shapes();
        _ = network(shapes);
        Tensor Made(string name, long[] shape)
        {
            if (shape.Length == 1) return name.Contains("norm", StringComparison.Ordinal) && name.EndsWith("weight", StringComparison.Ordinal) ? Tensor.Ones(shape, DType.Float16) : Tensor.Zeros(shape, DType.Float16);
            var count = shape.Aggregate(1L, (product, side) => product * side);
            return TensorScope.Of(() => (block.Narrow(0, 0, count).Reshape(shape) * Math.Sqrt(shape[0] / (double)count)).To(DType.Float16));
        }

        Safetensors.Save(Path.Combine(folder, part, "diffusion_pytorch_model.safetensors"), shapes.Outline.Select(one => KeyValuePair.Create(one.Name, Made(one.Name, one.Shape))).ToList());
    }
}
