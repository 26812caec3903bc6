using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>Where a sampler is: the latents, what the network just said, and what it said before.</summary>
internal sealed class SamplerState(NoiseSchedule schedule, SamplingPlan plan, Func<int, Tensor?> noise, Tensor start) : IDisposable
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
    public Tensor Noise() => noise(Index) ?? throw new InvalidOperationException("this sampler adds noise on the way, and none was given");

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

    /// <summary>All that it knows, by name.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Save()
    {
        yield return new("latents", Latents);
        yield return new("next", Tensor.From([(long)Index]));
        if (anchor is not null) yield return new("anchor", anchor);
        for (var i = 0; i < past.Count; i++) yield return new($"past.{i}", past[i]);
    }

    /// <summary>As it was when it was saved.</summary>
    /// <exception cref="WeightsException">Of another shape or plan.</exception>
    public void Restore(Safetensors file, string path)
    {
        using var scope = new TensorScope();
        var (saved, index) = (file["latents"], (int)file["next"].Item());
        if (!saved.Shape.SequenceEqual(Latents.Shape) || index < 0 || index > plan.Count) throw new WeightsException($"{path}: latents {saved} after {index} calls, {Latents} and at most {plan.Count} were wanted");
        Move(saved);
        Index = index;
        Anchor = file.Contains("anchor") ? file["anchor"] : null;
        for (var i = 0; file.Contains($"past.{i}"); i++) past.Add(file[$"past.{i}"].OwnedCopy());
    }

    public void Dispose()
    {
        Latents.Dispose();
        anchor?.Dispose();
        foreach (var tensor in past) tensor.Dispose();
    }
}
