using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>After a call of the network: the latents it was given, what it said, and the latents that followed. The caller disposes them.</summary>
public sealed record SamplingStep(int Index, int Count, double Time, Tensor Prediction, Tensor Latents) : IDisposable
{
    public void Dispose()
    {
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
    public static Tensor Noised(SamplingPlan plan, Tensor latents, Tensor noise) =>
        plan.IsUnscaled ? latents + noise * plan.Sigma(0) : latents * Math.Sqrt(plan.Alphas[0]) + noise * Math.Sqrt(1 - plan.Alphas[0]);

    /// <summary>Runs a plan.</summary>
    /// <param name="denoise">The network.</param>
    /// <param name="schedule">Its noise schedule.</param>
    /// <param name="plan">From <see cref="Plan(NoiseSchedule, int)"/>.</param>
    /// <param name="start">N(0, 1) times the plan's start scale, or a picture's latents with noise.</param>
    /// <param name="noise">N(0, 1) of the latents' shape for samplers that add some on the way.</param>
    public IEnumerable<SamplingStep> Run(Denoiser denoise, NoiseSchedule schedule, SamplingPlan plan, Tensor start, Func<Tensor>? noise = null)
    {
        using var state = new SamplerState(schedule, plan, noise, start.OwnedCopy());
        for (; state.Index < plan.Count; state.Index++)
        {
            Tensor prediction, latents;
            using (var scope = new TensorScope())
            using (new NoGrad())
            {
                var scale = plan.IsUnscaled ? Math.Sqrt(plan.Alphas[state.Index]) : 1;
                var said = denoise(scale == 1 ? state.Latents : state.Latents * scale, plan.Times[state.Index]);
                state.Prediction = said;
                state.Move(Next(state));
                (prediction, latents) = (said.OwnedCopy(), state.Latents.OwnedCopy());
            }

            yield return new(state.Index, plan.Count, plan.Times[state.Index], prediction, latents);
        }
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

/// <summary>Where a sampler is: the latents, what the network just said, and what it said before.</summary>
internal sealed class SamplerState(NoiseSchedule schedule, SamplingPlan plan, Func<Tensor>? noise, Tensor start) : IDisposable
{
    private readonly List<Tensor> past = []; // the newest first
    private Tensor? anchor;

    public NoiseSchedule Schedule => schedule;
    public SamplingPlan Plan => plan;
    public int Index { get; set; }
    public Tensor Latents { get; private set; } = start;
    public Tensor Prediction { get; set; } = null!;
    public IReadOnlyList<Tensor> Past => past;

    /// <summary>Latents that a sampler goes back to.</summary>
    public Tensor? Anchor
    {
        get => anchor;
        set
        {
            anchor?.Dispose();
            anchor = value?.OwnedCopy();
        }
    }

    /// <summary>Noise over signal now and after this step.</summary>
    public double Sigma => plan.Sigma(Index);
    public double NextSigma => plan.Sigma(Index + 1);

    /// <summary>N(0, 1) of the latents' shape.</summary>
    public Tensor Noise() => noise?.Invoke() ?? throw new InvalidOperationException("this sampler adds noise on the way, and none was given");

    /// <summary>The latents without noise that the network's word means.</summary>
    public Tensor Clean()
    {
        var alpha = plan.Alphas[Index];
        var (signal, rest) = (Math.Sqrt(alpha), Math.Sqrt(1 - alpha));
        if (schedule.Prediction == Models.Prediction.Epsilon) return plan.IsUnscaled ? Latents - Prediction * Sigma : (Latents - Prediction * rest) / signal;
        return plan.IsUnscaled ? Latents * alpha - Prediction * rest : Latents * signal - Prediction * rest;
    }

    /// <summary>Puts a tensor in front of the past, which holds <paramref name="most"/>.</summary>
    public void Remember(Tensor tensor, int most)
    {
        past.Insert(0, tensor.OwnedCopy());
        if (past.Count <= most) return;
        past[most].Dispose();
        past.RemoveAt(most);
    }

    public void Move(Tensor latents)
    {
        var next = latents.OwnedCopy();
        Latents.Dispose();
        Latents = next;
    }

    public void Dispose()
    {
        Latents.Dispose();
        anchor?.Dispose();
        foreach (var tensor in past) tensor.Dispose();
    }
}
