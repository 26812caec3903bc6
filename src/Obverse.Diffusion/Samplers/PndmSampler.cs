using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>
/// Pseudo linear multi-step (Liu et al. 2022, PLMS), Stable Diffusion's own: the second time is visited twice, and the second visit does the first step again (sd-ipc.md 6.1).
/// </summary>
/// <param name="CutsLikeDiffusers">
/// For image to image: cuts the front off the list with the doubled time, as diffusers does, so that the first steps pair wrong noise levels (sd-ipc.md 6.7, 12); else the first
/// time of what is left is followed by a doubled one.
/// </param>
public sealed record PndmSampler(bool CutsLikeDiffusers = false) : Sampler
{
    public override SamplingPlan Plan(NoiseSchedule schedule, int steps) => Doubled(schedule, steps, SamplingPlan.WholeTimes(schedule, steps), 0);

    public override SamplingPlan Plan(NoiseSchedule schedule, int steps, double strength)
    {
        var first = FirstOf(steps, strength);
        return CutsLikeDiffusers ? Plan(schedule, steps).From(first) : Doubled(schedule, steps, SamplingPlan.WholeTimes(schedule, steps)[first..], first);
    }

    internal override Tensor Next(SamplerState state)
    {
        var (from, stride) = ((int)state.Plan.Times[state.Index], state.Plan.Stride);
        if (state.Index != 1) state.Remember(state.Prediction, 4);
        else from += stride; // again from where the first step began
        var e = state.Past;
        var (mixed, latents) = (state.Index, e.Count) switch
        {
            (0, _) => (state.Prediction, state.Latents),
            (1, _) => ((state.Prediction + e[0]) * 0.5, state.Anchor!),
            (_, 2) => ((e[0] * 3 - e[1]) * 0.5, state.Latents),
            (_, 3) => ((e[0] * 23 - e[1] * 16 + e[2] * 5) / 12, state.Latents),
            _ => ((e[0] * 55 - e[1] * 59 + e[2] * 37 - e[3] * 9) / 24, state.Latents),
        };
        if (state.Index == 0) state.Anchor = state.Latents;
        return Step(state.Schedule, latents, mixed, from, from - stride);
    }

    // Eq. 11 of the paper, in diffusers' form.
    private static Tensor Step(NoiseSchedule schedule, Tensor latents, Tensor said, int from, int to)
    {
        var (alpha, before) = (schedule.AlphaProducts[from], DdimSampler.Before(schedule, to));
        var noise = schedule.Prediction == Prediction.Epsilon ? said : said * Math.Sqrt(alpha) + latents * Math.Sqrt(1 - alpha);
        return latents * Math.Sqrt(before / alpha) - noise * ((before - alpha) / (alpha * Math.Sqrt(1 - before) + Math.Sqrt(alpha * (1 - alpha) * before)));
    }

    private static SamplingPlan Doubled(NoiseSchedule schedule, int steps, int[] times, int skipped)
    {
        if (times.Length > 1) times = [times[0], times[1], .. times[1..]];
        return new() { Times = [.. times.Select(t => (double)t)], Alphas = [.. times.Select(t => schedule.AlphaProducts[t])], Stride = schedule.Steps / steps, Skipped = skipped };
    }
}
