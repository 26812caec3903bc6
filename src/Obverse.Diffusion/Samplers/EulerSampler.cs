using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>Euler's method in sigma (Karras et al. 2022, algorithm 2 without churn).</summary>
public sealed record EulerSampler : Sampler
{
    public override SamplingPlan Plan(NoiseSchedule schedule, int steps) => SamplingPlan.BySigmas(schedule, steps);

    internal override Tensor Next(SamplerState state) => state.Latents + (state.Latents - state.Clean()) * ((state.NextSigma - state.Sigma) / state.Sigma);
}

/// <summary>Euler's method that goes below the next noise level and adds noise up to it (k-diffusion, sample_euler_ancestral).</summary>
public sealed record EulerAncestralSampler : Sampler
{
    public override SamplingPlan Plan(NoiseSchedule schedule, int steps) => SamplingPlan.BySigmas(schedule, steps);

    internal override Tensor Next(SamplerState state)
    {
        var (from, to) = (state.Sigma, state.NextSigma);
        var up = Math.Sqrt(to * to * (from * from - to * to) / (from * from));
        var down = Math.Sqrt(to * to - up * up);
        return state.Latents + (state.Latents - state.Clean()) * ((down - from) / from) + state.Noise() * up;
    }
}
