using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>Fits of implicit representations with perturbed weights at 64 px, so many at once and one by one: seconds a step and representation.</summary>
internal static class InrFits
{
    public static void Run(int count)
    {
        const int side = 64, steps = 4;
        using var random = new Generator(1);
        using var pictures = random.Uniform(0, 1, count, 3, side, side);
        var fit = new InrFit { Steps = steps };
        using var targets = fit.Targets(pictures);
        double Seconds(int atOnce) => Timing.Median(3, () =>
        {
            for (var at = 0; at < count; at += atOnce)
            {
                using var seed = new Generator(2);
                using var canvas = InrFit.Start(Inr.Finer(), atOnce, side, side, seed);
                using var part = targets.Narrow(0, at, atOnce);
                foreach (var _ in fit.Run(canvas, part)) { }
            }
        }) / steps / count;
        Timing.Print("one_by_one_seconds", Seconds(1));
        Timing.Print("at_once_seconds", Seconds(count));
    }
}
