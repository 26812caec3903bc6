using Obverse.Models;

namespace Obverse.Diffusion;

/// <summary>The times that a sampler visits and how much of a latent's variance is signal at each.</summary>
public sealed record SamplingPlan
{
    /// <summary>What the network is called with, one a call.</summary>
    public required IReadOnlyList<double> Times { get; init; }

    /// <summary>ᾱ at each call; noise over signal is √((1-ᾱ)/ᾱ).</summary>
    public required IReadOnlyList<double> Alphas { get; init; }

    /// <summary>Latents carry noise of deviation sigma beside a signal of full size, and are scaled down for the network; else signal and noise have unit variance together.</summary>
    public bool IsUnscaled { get; init; }

    /// <summary>What N(0, 1) is multiplied by to begin with.</summary>
    public double StartScale { get; init; } = 1;

    /// <summary>Training times between two calls, for samplers that go by them.</summary>
    public int Stride { get; init; }

    /// <summary>Calls that stand before those of this plan in the whole one.</summary>
    public int Skipped { get; init; }

    public int Count => Times.Count;

    /// <summary>Noise over signal at a call; 0 after the last.</summary>
    public double Sigma(int call) => call >= Count ? 0 : Math.Sqrt((1 - Alphas[call]) / Alphas[call]);

    /// <summary>What is left after that many calls are cut off the front.</summary>
    internal SamplingPlan From(int call) => this with { Times = [.. Times.Skip(call)], Alphas = [.. Alphas.Skip(call)], Skipped = call };

    /// <summary>Whole training times, <paramref name="steps"/> of them, the noisiest first.</summary>
    internal static int[] WholeTimes(NoiseSchedule schedule, int steps)
    {
        Check(schedule, steps);
        var (all, stride) = (schedule.Steps, schedule.Steps / steps);
        return schedule.Spacing switch
        {
            TimestepSpacing.Leading => [.. Enumerable.Range(0, steps).Reverse().Select(i => i * stride + schedule.Offset)],
            TimestepSpacing.Trailing => [.. Enumerable.Range(0, steps).Select(i => (int)Math.Round(all - i * (all / (double)steps)) - 1)],
            _ => [.. Enumerable.Range(0, steps).Reverse().Select(i => (int)Math.Round(Between(0, all - 1, i, steps)))],
        };
    }

    /// <summary>A plan of the samplers that go by sigmas (k-diffusion): fractional times for linspace, noise levels between the training's, or Karras'.</summary>
    internal static SamplingPlan BySigmas(NoiseSchedule schedule, int steps)
    {
        Check(schedule, steps);
        double[] times = schedule.Spacing == TimestepSpacing.Linspace ? [.. Enumerable.Range(0, steps).Reverse().Select(i => (double)(float)Between(0, schedule.Steps - 1, i, steps))] : [.. WholeTimes(schedule, steps).Select(t => (double)t)];
        double[] sigmas = [.. times.Select(t => SigmaAt(schedule, t))];
        if (schedule.Karras)
        {
            sigmas = Karras(sigmas[0], sigmas[^1], steps);
            times = [.. sigmas.Select(sigma => TimeOf(schedule, sigma))];
        }

        return new()
        {
            Times = times, Alphas = [.. sigmas.Select(AlphaOf)], IsUnscaled = true, StartScale = schedule.Spacing == TimestepSpacing.Leading ? Math.Sqrt(sigmas.Max() * sigmas.Max() + 1) : sigmas.Max(),
        };
    }

    /// <summary>Noise levels after Karras et al. 2022, eq. 5, with rho 7.</summary>
    internal static double[] Karras(double from, double to, int steps)
    {
        const double Rho = 7;
        var (high, low) = (Math.Pow(from, 1 / Rho), Math.Pow(to, 1 / Rho));
        return [.. Enumerable.Range(0, steps).Select(i => Math.Pow(Between(high, low, i, steps), Rho))];
    }

    internal static double AlphaOf(double sigma) => 1 / (sigma * sigma + 1);

    internal static double SigmaOf(double alpha) => Math.Sqrt((1 - alpha) / alpha);

    /// <summary>In a line between the noise levels of the whole times round it.</summary>
    internal static double SigmaAt(NoiseSchedule schedule, double time)
    {
        var below = Math.Clamp((int)Math.Floor(time), 0, schedule.Steps - 1);
        var above = Math.Min(below + 1, schedule.Steps - 1);
        var (low, high) = (SigmaOf(schedule.AlphaProducts[below]), SigmaOf(schedule.AlphaProducts[above]));
        return low + (high - low) * (time - below);
    }

    /// <summary>The time of a noise level, in a line between their logarithms.</summary>
    internal static double TimeOf(NoiseSchedule schedule, double sigma)
    {
        double LogAt(int t) => Math.Log(SigmaOf(schedule.AlphaProducts[t]));
        var wanted = Math.Log(sigma);
        var below = 0;
        while (below < schedule.Steps - 2 && LogAt(below + 1) <= wanted) below++;
        var share = Math.Clamp((LogAt(below) - wanted) / (LogAt(below) - LogAt(below + 1)), 0, 1);
        return below + share;
    }

    internal static double Between(double from, double to, int i, int count) => count == 1 ? from : from + (to - from) * i / (count - 1);

    internal static void Check(NoiseSchedule schedule, int steps)
    {
        if (steps < 1 || steps > schedule.Steps) throw new ArgumentOutOfRangeException(nameof(steps), steps, $"1 to {schedule.Steps} sampling steps were wanted");
    }
}
