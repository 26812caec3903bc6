using System.Diagnostics;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>CLIP^-1's plain inversion at its real size: FINER 256 x (1 + 3) at 224 px, 16 views, ViT-B/32 with random weights. inversion.py is the same loop in Python.</summary>
internal static class WholeInversion
{
    public static void Run(int steps, Progressive? progressive = null)
    {
        const int side = 224, views = 16, warm = 2;
        using var random = new Generator(1);
        using var model = ClipModel.Random(ClipConfig.Named("ViT-B-32", Activation.QuickGelu), random);
        using var clip = new ClipEncoder(model, "ViT-B-32");
        var recipe = Recipes.ImplicitPlain(Quality.Best, side, side).ViewCount(views).Steps(steps + warm);
        using var inversion = new Inversion
        {
            Canvas = Inr.Finer().Create(1, side, side, random), Encoder = clip, Targets = new(Target.Of(random.Normal(1, clip.Dimension).Normalized())),
            Views = recipe.Views, Objective = recipe.Objective, Schedule = recipe.Schedule with { Progressive = progressive },
        };
        var (watch, similarity) = (new Stopwatch(), 0.0);
        foreach (var step in inversion.Run())
        {
            if (step.Index == warm - 1) watch.Start();
            similarity = step.Similarity;
        }

        var seconds = watch.Elapsed.TotalSeconds / steps;
        // Products only: the tower's as in VitGradient (forward and gradient in the input), the INR's forward and both gradients.
        const double tower = 4 * (12 * (12.0 * 768 * 768 * 50 + 2.0 * 50 * 50 * 768) + 49.0 * 3 * 32 * 32 * 768) * views, inr = 6.0 * side * side * (2 * 256 + 3 * 256 * 256 + 256 * 3);
        Timing.Print("seconds", seconds);
        Timing.Print("gflops", (tower + inr) / seconds / 1e9);
        Timing.Print("similarity", similarity);
        Timing.Print("peak_mb", Process.GetCurrentProcess().PeakWorkingSet64 / 1048576.0);
    }
}
