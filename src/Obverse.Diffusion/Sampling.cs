using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>A sampler on its way from noise to latents: it can be saved after any call and taken up again.</summary>
public sealed class Sampling : IDisposable
{
    private readonly Sampler sampler;
    private readonly Denoiser denoise;
    private readonly SamplingPlan plan;
    private readonly SamplerState state;

    /// <inheritdoc cref="Sampler.Run"/>
    public Sampling(Sampler sampler, Denoiser denoise, NoiseSchedule schedule, SamplingPlan plan, Tensor start)
    {
        (this.sampler, this.denoise, this.plan) = (sampler, denoise, plan);
        state = new(schedule, plan, call => Noise(call), start.OwnedCopy());
    }

    /// <summary>N(0, 1) of the latents' shape at a call, for samplers that add some on the way.</summary>
    public Func<int, Tensor?> Noise { get; init; } = _ => null;

    /// <summary>What must hold of the latents at the noise level of a call (the plan's count: after the last): inpainting puts a picture's own outside a mask.</summary>
    public Func<Tensor, int, Tensor> Constrain { get; init; } = (latents, _) => latents;

    /// <summary>What the denoiser reuses between calls, saved and restored with the rest.</summary>
    public DeepFeatures? Deep { get; init; }

    /// <summary>The next call's number.</summary>
    public int Next => state.Index;

    /// <summary>The calls that are left. Leaving the loop early loses nothing.</summary>
    public IEnumerable<SamplingStep> Run()
    {
        while (state.Index < plan.Count)
        {
            var call = state.Index;
            Tensor prediction, latents, clean;
            using (var scope = new TensorScope())
            using (new NoGrad())
            {
                var scale = plan.IsUnscaled ? Math.Sqrt(plan.Alphas[call]) : 1;
                var said = denoise(scale == 1 ? state.Latents : state.Latents * scale, plan.Times[call]);
                state.Prediction = said;
                clean = state.Clean().OwnedCopy();
                state.Move(Constrain(sampler.Next(state), call + 1));
                (prediction, latents) = (said.OwnedCopy(), state.Latents.OwnedCopy());
            }

            state.Index++;
            yield return new(call, plan.Count, plan.Times[call], prediction, latents) { Clean = clean };
        }
    }

    /// <summary>The latents so far; it owns them.</summary>
    public Tensor Latents => state.Latents;

    /// <summary>Saves what <see cref="Restore"/> needs.</summary>
    public void Save(string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var scope = new TensorScope();
        Safetensors.Save(path, state.Save().Concat(Deep?.Save() ?? []), metadata);
    }

    /// <summary>Goes on where <see cref="Save"/> was called; sampler, plan and network must be the same.</summary>
    public void Restore(string path)
    {
        using var file = Safetensors.Open(path);
        state.Restore(file, path);
        using var scope = new TensorScope();
        Deep?.Restore(state.Index, name => file.Contains(name) ? file[name] : null);
    }

    public void Dispose() => state.Dispose();
}
