using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>Denoising diffusion implicit models (Song et al. 2021, eq. 12 and 16); with <paramref name="Eta"/> above 0 part of the noise is drawn anew.</summary>
public sealed record DdimSampler(double Eta = 0) : Sampler
{
    public override SamplingPlan Plan(NoiseSchedule schedule, int steps)
    {
        var times = SamplingPlan.WholeTimes(schedule, steps);
        return new() { Times = [.. times.Select(t => (double)t)], Alphas = [.. times.Select(t => schedule.AlphaProducts[t])], Stride = schedule.Steps / steps };
    }

    internal override Tensor Next(SamplerState state)
    {
        var alpha = state.Plan.Alphas[state.Index];
        var before = Before(state.Schedule, (int)state.Plan.Times[state.Index] - state.Plan.Stride);
        var clean = state.Schedule.ClipsClean ? state.Clean().Clamp(-1, 1) : state.Clean();
        var noise = state.Schedule.Prediction == Prediction.Epsilon ? state.Prediction : state.Prediction * Math.Sqrt(alpha) + state.Latents * Math.Sqrt(1 - alpha);
        var deviation = Eta * Math.Sqrt((1 - before) / (1 - alpha) * (1 - alpha / before));
        var next = clean * Math.Sqrt(before) + noise * Math.Sqrt(1 - before - deviation * deviation);
        return deviation > 0 ? next + state.Noise() * deviation : next;
    }

    /// <summary>ᾱ at a time; beyond the first one as the schedule has it.</summary>
    internal static double Before(NoiseSchedule schedule, int time) => time >= 0 ? schedule.AlphaProducts[time] : schedule.FinalIsClean ? 1 : schedule.AlphaProducts[0];
}
