using System.Diagnostics;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>A step of CLIPDraw (256 strokes, 224 px, 4 views) or of VQGAN+CLIP (f16 with 16,384 codes, 256 px, 32 latest cutouts), ViT-B/32, all weights random. clipag.py is the same loop in Python.</summary>
internal static class ClipagStep
{
    // taming-transformers' vqgan_imagenet_f16_16384; its encoder takes no part in a step.
    private static readonly VqganConfig f16 = new() { Channels = 128, Widths = [128, 128, 256, 256, 512], Blocks = 2, Attention = [4], Latent = 256, CodeWidth = 256, Codes = 16384, HasEncoder = false };

    public static void Run(string which, int steps, Precision precision)
    {
        const int warm = 1;
        var side = which == "clipdraw" ? 224 : 256;
        using var random = new Generator(1);
        using var model = ClipModel.Random(ClipConfig.Named("ViT-B-32", Activation.QuickGelu), random, precision);
        using var clip = new ClipEncoder(model, "ViT-B-32");
        var recipe = (which == "clipdraw" ? Recipes.ClipDraw(Quality.Best, side, side) : Recipes.Vqgan(Quality.Best, side, side)).Steps(steps + warm);
        using var inversion = new Inversion
        {
            Canvas = which == "clipdraw" ? recipe.Canvas.Create(1, side, side, random) : Latent(random, side), Encoder = recipe.SkipsNormalization ? clip.WithoutNormalization() : clip,
            Targets = new(Target.Of(random.Normal(1, clip.Dimension).Normalized())), Views = recipe.Views, Objective = recipe.Objective, Schedule = recipe.Schedule,
        };
        var watch = new Stopwatch();
        foreach (var step in inversion.Run()) if (step.Index == warm - 1) watch.Start();
        Timing.Print("seconds", watch.Elapsed.TotalSeconds / steps);
        Timing.Print("peak_mb", Timing.PeakMegabytes());
    }

    private static VqganCanvas Latent(Generator random, int side)
    {
        var vqgan = TensorScope.Unscoped(() => new Vqgan(Weights.New(random), f16));
        using var scope = new TensorScope();
        return new(vqgan, vqgan.Rows(random.Integers(0, f16.Codes, 1, side / f16.Factor, side / f16.Factor)), side, side);
    }
}
