using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>DPM-Solver++ 2M (Lu et al. 2022, algorithm 2): the clean latents of two calls, extrapolated in the logarithm of signal over noise; the last step is of first order, to no noise at all.</summary>
/// <param name="Karras">Noise levels after Karras, whatever the schedule says.</param>
public sealed record DpmSampler(bool Karras = false) : Sampler
{
    public override SamplingPlan Plan(NoiseSchedule schedule, int steps)
    {
        SamplingPlan.Check(schedule, steps);
        if (Karras || schedule.Karras)
        {
            double[] sigmas = SamplingPlan.Karras(SamplingPlan.SigmaOf(schedule.AlphaProducts[^1]), SamplingPlan.SigmaOf(schedule.AlphaProducts[0]), steps);
            return new() { Times = [.. sigmas.Select(sigma => Math.Round(SamplingPlan.TimeOf(schedule, sigma)))], Alphas = [.. sigmas.Select(SamplingPlan.AlphaOf)] };
        }

        int[] times = schedule.Spacing switch
        {
            TimestepSpacing.Leading => [.. Enumerable.Range(1, steps).Reverse().Select(i => i * (schedule.Steps / (steps + 1)) + schedule.Offset)], // one step more than asked for (sd-ipc.md 6.7, 11)
            TimestepSpacing.Trailing => SamplingPlan.WholeTimes(schedule, steps),
            _ => [.. Enumerable.Range(1, steps).Reverse().Select(i => (int)Math.Round(SamplingPlan.Between(0, schedule.Steps - 1, i, steps + 1)))],
        };
        return new() { Times = [.. times.Select(t => (double)t)], Alphas = [.. times.Select(t => schedule.AlphaProducts[t])] };
    }

    internal override Tensor Next(SamplerState state)
    {
        state.Remember(state.Clean(), 2);
        var newest = state.Past[0];
        if (state.Index + 1 == state.Plan.Count) return newest.Clone();
        var (alpha, next) = (state.Plan.Alphas[state.Index], state.Plan.Alphas[state.Index + 1]);
        double Lambda(int call) => -Math.Log(state.Plan.Sigma(call));
        var h = Lambda(state.Index + 1) - Lambda(state.Index);
        var target = newest;
        if (state.Past.Count > 1)
        {
            var r = (Lambda(state.Index) - Lambda(state.Index - 1)) / h;
            target = newest + (newest - state.Past[1]) * (0.5 / r);
        }

        return state.Latents * Math.Sqrt((1 - next) / (1 - alpha)) - target * (Math.Sqrt(next) * (Math.Exp(-h) - 1));
    }
}
