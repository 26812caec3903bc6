using System.Diagnostics;
using System.Runtime.CompilerServices;
using Obverse.Diffusion;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>Runs a sample to its end: rows, guidance, sampler, autoencoder, picture.</summary>
internal static class SampleRun
{
    private const ulong StartNoise = 500, StepNoise = 501, EncodeNoise = 502;

    public static async IAsyncEnumerable<JobEvent> Events(SampleJob job, Workshop? workshop, Outputs? outputs, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.CompletedTask; // completes at once: tensors belong to the scopes of one thread
        foreach (var one in Steps(job, workshop, outputs, cancellation)) yield return one;
    }

    public static IEnumerable<JobEvent> Steps(SampleJob job, Workshop? workshop, Outputs? outputs, CancellationToken cancellation)
    {
        using var own = workshop is null ? Workshop.For(job) : null;
        workshop ??= own!;
        var watch = Stopwatch.StartNew();
        var model = workshop.Diffusion(job.Model.Name, job.Tuning);
        var stride = model.Autoencoder.Config.Stride;
        if (job.Width % stride != 0 || job.Height % stride != 0) throw new UsageException($"size {job.Width}x{job.Height}: multiples of {stride} are wanted, the pixels of a latent");
        yield return new JobStarted(job);

        var sampler = Sampler.Named(job.Sampler);
        var plan = job.Start is { } from ? sampler.Plan(model.Schedule, job.Steps, from.Strength) : sampler.Plan(model.Schedule, job.Steps);
        using var rows = Tensor.Owned(() => Rows(job, model, workshop));
        using var negative = Tensor.Owned(() => Still(() => model.TextRows([job.Negative])));
        using var start = Tensor.Owned(() => Start(job, model, plan));
        using var drawn = Generator.For(job.Seed, StepNoise);
        var shape = start.Shape;
        Picture? last = null;
        SamplingStep? held = null;
        var denoise = Denoisers.Guided(model.UNet, rows, negative, job.Guidance);
        try
        {
            foreach (var step in sampler.Run(denoise, model.Schedule, plan, start, () => drawn.Normal(shape)))
            {
                held?.Dispose();
                held = step;
                cancellation.ThrowIfCancellationRequested();
                if (!step.Latents.IsAllFinite()) throw new InvalidDataException($"step {step.Index + 1}: the latents are not finite; use less guidance, or weights without NaN");
                yield return new StepEvent(job.Title, new Step { Index = step.Index, Count = step.Count, Losses = [double.NaN], Similarities = [] }, (step.Index + 1) / watch.Elapsed.TotalSeconds, () => Decoded(model, step.Latents)) { Phase = "denoise" };
            }

            last = Decoded(model, held!.Latents);
        }
        finally { held?.Dispose(); }

        if (outputs is not null) job.SavePicture(last, outputs.Picture);
        yield return new SampleFinished(job, last, watch.Elapsed.TotalSeconds, outputs?.Picture);
    }

    // [1, rows, width]
    private static Tensor Rows(SampleJob job, StableDiffusionModel model, Workshop workshop)
    {
        using var still = new NoGrad();
        if (job.References is not { } references) return model.TextRows([job.Prompt]);
        var clip = references.Clip is null ? model.Clip : workshop.Model(references.Clip).Encoder.Model;
        if (clip is null) throw new UsageException($"{job.Model.Name} holds no CLIP that sees pictures; name one whose text tower is the model's with --clip");
        if (clip.Config.Text.Width != model.TextConfig.Width) throw new UsageException($"the CLIP's text tower is {clip.Config.Text.Width} wide, the model's {model.TextConfig.Width}: their rows do not fit");
        var encoder = new ClipEncoder(clip, references.Clip ?? job.Model.Name);
        using var tuned = new TunedConversion(job.Tuning, encoder);
        var seen = Tensor.Cat([.. references.Pictures.Select(picture => tuned.Embed(picture.Load().OnWhite().ToTensor()))]).Mean(0, keep: true).Normalized();
        using var converter = new PromptConverter(clip.Weights.All["text_projection"], references.Cutoff) { Norm = references.Norm, Length = references.Length ?? tuned.Length ?? PromptLength.Of(clip, references.Norm), Learned = tuned.Linear };
        var converted = converter.Convert(seen);
        var ids = model.Tokenize([references.Edit ?? ""]);
        var text = model.Hidden(ids);
        return references.Edit is null ? PromptConverter.Variation(converted, text) : PromptConverter.Edit(converted, text, (int)model.Ends(ids).Item(), references.Alpha, references.EditRule);
    }

    private static Tensor Start(SampleJob job, StableDiffusionModel model, SamplingPlan plan)
    {
        using var still = new NoGrad();
        var stride = model.Autoencoder.Config.Stride;
        using var random = Generator.For(job.Seed, StartNoise);
        var noise = random.Normal(1, model.UNet.Config.InChannels, job.Height / stride, job.Width / stride);
        if (job.Start is not { } from) return noise * plan.StartScale;
        using var encoding = Generator.For(job.Seed, EncodeNoise);
        var picture = from.Picture.Load().OnWhite().ToTensor().Resize(job.Height, job.Width, Interpolation.Bicubic, antialias: true).Clamp(0, 1);
        return Sampler.Noised(plan, model.Autoencoder.ToLatents(picture, encoding.Normal(noise.Shape)), noise);
    }

    private static Picture Decoded(StableDiffusionModel model, Tensor latents)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        return model.Autoencoder.ToPictures(latents).ToPicture();
    }

    private static Tensor Still(Func<Tensor> make)
    {
        using var still = new NoGrad();
        return make();
    }

    private static bool IsAllFinite(this Tensor tensor)
    {
        using var scope = new TensorScope();
        return double.IsFinite(tensor.Sum().Item());
    }
}
