using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>A vision transformer with random weights (ViT-B/32 unless told otherwise): embeddings of so many views, cosine to a target, gradient in the pixels. vit.py is the same loop in Python.</summary>
internal static class VitGradient
{
    public static void Run(int views, int repeats = 7, string architecture = "ViT-B-32")
    {
        using var random = new Generator(1);
        var config = ClipConfig.Named(architecture, Activation.QuickGelu).Vision;
        var tower = new VisionTransformer(Weights.New(random, Precision.Auto), config);
        using var pixels = random.Normal(views, 3, config.ImageSize, config.ImageSize);
        using var target = random.Normal(config.EmbedDim).Normalized();
        pixels.RequiresGrad = true;
        var seconds = Timing.Median(repeats, () =>
        {
            using var scope = new TensorScope();
            var cosine = (tower.Forward(pixels).Normalized() * target).Sum();
            _ = Tensor.Gradients(cosine, [pixels]);
        });
        // Forward and gradient in the input: 2 x 2 FLOP a multiply-add. Products of a block: 12·width² a token, and attention's two; then the patches. ViT-B/32: 4.36 GMAC a picture.
        double patches = Math.Pow(config.ImageSize / config.PatchSize, 2), tokens = patches + 1, width = config.Width;
        var macs = config.Layers * (12 * width * width * tokens + 2 * tokens * tokens * width) + patches * 3 * config.PatchSize * config.PatchSize * width;
        Timing.Print("seconds", seconds);
        Timing.Print("gflops", 4 * macs * views / seconds / 1e9);
    }
}
