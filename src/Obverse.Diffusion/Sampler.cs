using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>After a call of the network: the latents it was given, what it said, and the latents that followed. The caller disposes them.</summary>
public sealed record SamplingStep(int Index, int Count, double Time, Tensor Prediction, Tensor Latents) : IDisposable
{
    /// <summary>The latents without noise that the prediction means: what the picture is about to be.</summary>
    public required Tensor Clean { get; init; }

    public void Dispose()
    {
        Clean.Dispose();
        Prediction.Dispose();
        Latents.Dispose();
    }
}

/// <summary>Goes from noise to latents in a number of calls of a denoiser. Each kind is a plan of times and one step between two of them.</summary>
public abstract record Sampler
{
    /// <summary>Names of all kinds, as the command line has them.</summary>
    public static IReadOnlyList<string> Names { get; } = ["ddim", "pndm", "euler", "euler-a", "lms", "dpm++2m", "dpm++2m-karras"];

    /// <exception cref="FormatException">None of <see cref="Names"/>.</exception>
    public static Sampler Named(string name) => name switch
    {
        "ddim" => new DdimSampler(), "pndm" or "plms" => new PndmSampler(), "euler" => new EulerSampler(), "euler-a" => new EulerAncestralSampler(), "lms" => new LmsSampler(),
        "dpm++2m" => new DpmSampler(), "dpm++2m-karras" => new DpmSampler(Karras: true), _ => throw new FormatException($"one of {string.Join(", ", Names)} was wanted"),
    };

    /// <summary>The whole way in <paramref name="steps"/> steps.</summary>
    public abstract SamplingPlan Plan(NoiseSchedule schedule, int steps);

    /// <summary>
    /// The end of the way for a picture that is to change by <paramref name="strength"/>: so much of the steps, from the noise level at which it begins (image to image).
    /// </summary>
    public virtual SamplingPlan Plan(NoiseSchedule schedule, int steps, double strength) => Plan(schedule, steps).From(FirstOf(steps, strength));

    /// <summary>Latents of a picture with the noise of the plan's first call.</summary>
    public static Tensor Noised(SamplingPlan plan, Tensor latents, Tensor noise) => Noised(plan, latents, noise, 0);

    /// <summary>Latents of a picture with the noise of a call; after the last one, without.</summary>
    public static Tensor Noised(SamplingPlan plan, Tensor latents, Tensor noise, int call)
    {
        if (call >= plan.Count) return latents;
        return plan.IsUnscaled ? latents + noise * plan.Sigma(call) : latents * Math.Sqrt(plan.Alphas[call]) + noise * Math.Sqrt(1 - plan.Alphas[call]);
    }

    /// <summary>Runs a plan.</summary>
    /// <param name="denoise">The network.</param>
    /// <param name="schedule">Its noise schedule.</param>
    /// <param name="plan">From <see cref="Plan(NoiseSchedule, int)"/>.</param>
    /// <param name="start">N(0, 1) times the plan's start scale, or a picture's latents with noise.</param>
    /// <param name="noise">N(0, 1) of the latents' shape for samplers that add some on the way.</param>
    public IEnumerable<SamplingStep> Run(Denoiser denoise, NoiseSchedule schedule, SamplingPlan plan, Tensor start, Func<Tensor>? noise = null)
    {
        using var sampling = new Sampling(this, denoise, schedule, plan, start) { Noise = _ => noise?.Invoke() };
        foreach (var step in sampling.Run()) yield return step;
    }

    /// <summary>The latents of the next noise level.</summary>
    internal abstract Tensor Next(SamplerState state);

    /// <summary>How many of the steps are left out for a strength (diffusers, get_timesteps).</summary>
    protected static int FirstOf(int steps, double strength)
    {
        if (double.IsNaN(strength) || strength <= 0 || strength > 1) throw new ArgumentOutOfRangeException(nameof(strength), strength, "a strength above 0, at most 1, was wanted");
        return Math.Min(Math.Max(steps - Math.Min((int)(steps * strength), steps), 0), steps - 1);
    }
}
