using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>ViT-B/32 with random weights: embeddings of so many views, cosine to a target, gradient in the pixels. vit.py is the same loop in Python.</summary>
internal static class VitGradient
{
    public static void Run(int views, int repeats = 7)
    {
        using var random = new Generator(1);
        var config = ClipConfig.Named("ViT-B-32", Activation.QuickGelu).Vision;
        var tower = new VisionTransformer(Weights.New(random, Precision.Auto), config);
        using var pixels = random.Normal(views, 3, 224, 224);
        using var target = random.Normal(config.EmbedDim).Normalized();
        pixels.RequiresGrad = true;
        var seconds = Timing.Median(repeats, () =>
        {
            using var scope = new TensorScope();
            var cosine = (tower.Forward(pixels).Normalized() * target).Sum();
            _ = Tensor.Gradients(cosine, [pixels]);
        });
        // Forward and gradient in the input: 2 x 2 FLOP a multiply-add, 4.36 GMAC a picture (12 blocks of 12·768² · 50, attention, patches).
        const double macs = 12 * (12.0 * 768 * 768 * 50 + 2.0 * 50 * 50 * 768) + 49.0 * 3 * 32 * 32 * 768;
        Timing.Print("seconds", seconds);
        Timing.Print("gflops", 4 * macs * views / seconds / 1e9);
    }
}
