using System.Diagnostics;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>CLIPDraw's rasteriser alone: random strokes drawn, and the gradient in all their parameters; the encoder's share of a step is not in it.</summary>
internal static class StrokeStep
{
    public static void Run(int count, int side, int repeats = 15)
    {
        using var random = new Generator(1);
        using var canvas = (StrokeCanvas)new Strokes(count).Create(1, side, side, random);
        using var towards = random.Normal(1, 3, side, side);
        Tensor[] parameters = [.. canvas.Groups.SelectMany(group => group.Parameters)];
        var forward = Timing.Median(repeats, () =>
        {
            using var scope = new TensorScope();
            using var still = new NoGrad();
            _ = canvas.Render();
        });
        var both = Timing.Median(repeats, () =>
        {
            using var scope = new TensorScope();
            _ = Tensor.Gradients((canvas.Render() * towards).Sum(), parameters);
        });
        Timing.Print("draw_seconds", forward);
        Timing.Print("seconds", both);
        Timing.Print("peak_mb", Timing.PeakMegabytes());
    }
}
