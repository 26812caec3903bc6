using System.Diagnostics;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>A 128 px pyramid step with pocket-clip and 8 views: the whole step, and the network's part of it.</summary>
internal static class PyramidStep
{
    public static void Run()
    {
        using var clip = ClipEncoder.Load("pocket-clip");
        using var random = new Generator(1);
        using var pixels = random.Uniform(0, 1, 8, 3, 128, 128);
        using var target = clip.Embed(["a tabby cat"]);
        pixels.RequiresGrad = true;
        Timing.Print("network_seconds", Timing.Median(15, () =>
        {
            using var scope = new TensorScope();
            _ = Tensor.Gradients((clip.Embed(pixels) * target).Sum(), [pixels]);
        }));
        var recipe = Recipes.Named("pyramid", Quality.Best).Steps(40);
        using var begin = Generator.For(0, 0);
        using var inversion = new Inversion
        {
            Canvas = recipe.Canvas.Create(1, 128, 128, begin), Encoder = clip, Targets = new(Target.Of(target)), Views = recipe.ViewCount(8).Views, Objective = recipe.Objective, Schedule = recipe.Schedule,
        };
        var steps = inversion.Run().Select(_ => Stopwatch.GetTimestamp()).ToArray();
        Timing.Print("step_seconds", Stopwatch.GetElapsedTime(steps[9], steps[^1]).TotalSeconds / (steps.Length - 10));
    }
}
