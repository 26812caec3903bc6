using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>Latents of pictures that a model draws of a class before it is tuned: beside them it is held to what the class was (Custom Diffusion, Kumari et al. 2023, 3.3).</summary>
internal static class PriorPictures
{
    private const ulong Noise = 530;
    private const int Steps = 20, Chunk = 4;
    private const double Guidance = 7.5;
    private const string Key = "made-of";

    /// <summary>[count, c, h, w], of the caller; drawn once and kept in <paramref name="file"/>.</summary>
    public static Tensor Draw(StableDiffusionModel model, string prompt, int count, TuningOptions options, string? file, Action<string>? say, CancellationToken cancel)
    {
        var mark = $"{options.Inputs} {prompt} {count} {options.Seed}";
        if (file is not null && File.Exists(file))
        {
            using var stored = Safetensors.Open(file);
            if (stored.Metadata.GetValueOrDefault(Key) == mark) return stored["latents"].OwnedCopy();
        }

        using var still = new NoGrad();
        using var scope = new TensorScope();
        var sampler = new DpmSampler();
        var plan = sampler.Plan(model.Schedule, Steps);
        var (one, none) = (model.TextRows([prompt]), model.TextRows([""]));
        long side = model.UNet.Config.SampleSize;
        List<Tensor> all = [];
        for (var first = 0; first < count; first += Chunk)
        {
            cancel.ThrowIfCancellationRequested();
            say?.Invoke($"prior pictures of \"{prompt}\": {first} of {count}");
            all.Add(TensorScope.Of(() =>
            {
                using var random = Generator.For(options.Seed, Noise, (ulong)first);
                var n = Math.Min(Chunk, count - first);
                var rows = one.Expand(n, one.Size(1), one.Size(2));
                Tensor? last = null;
                foreach (var step in sampler.Run(Denoisers.Guided(model.UNet, rows, none, Guidance), model.Schedule, plan, random.Normal(n, model.UNet.Config.InChannels, side, side) * plan.StartScale)) last = step.Latents;
                return last!.Clone();
            }));
        }

        var latents = Tensor.Owned(() => Tensor.Cat(all));
        if (file is not null) Safetensors.Save(file, [new("latents", latents)], new Dictionary<string, string> { [Key] = mark });
        return latents;
    }
}
