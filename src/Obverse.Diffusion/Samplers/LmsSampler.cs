using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>Linear multi-step in sigma: the polynomial through the last four derivatives, integrated to the next noise level (k-diffusion, sample_lms).</summary>
public sealed record LmsSampler : Sampler
{
    private const int Order = 4;

    public override SamplingPlan Plan(NoiseSchedule schedule, int steps) => SamplingPlan.BySigmas(schedule, steps);

    internal override Tensor Next(SamplerState state)
    {
        state.Remember((state.Latents - state.Clean()) / state.Sigma, Order);
        var next = state.Latents;
        for (var j = 0; j < state.Past.Count; j++) next = next + state.Past[j] * Weight(state, j);
        return next;
    }

    // Integral of Lagrange's basis polynomial, of degree 3 at most: Gauss-Legendre with three points is exact.
    private static double Weight(SamplerState state, int j)
    {
        var (from, to) = (state.Sigma, state.NextSigma);
        double Basis(double sigma) => Enumerable.Range(0, state.Past.Count).Where(k => k != j).Aggregate(1.0, (product, k) => product * (sigma - At(k)) / (At(j) - At(k)));
        double At(int back) => state.Plan.Sigma(state.Index - back);
        var (middle, half) = ((from + to) / 2, (to - from) / 2);
        return half * (5 * Basis(middle - half * Math.Sqrt(0.6)) + 8 * Basis(middle) + 5 * Basis(middle + half * Math.Sqrt(0.6))) / 9;
    }
}
