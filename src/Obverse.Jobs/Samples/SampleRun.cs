using System.Diagnostics;
using System.Runtime.CompilerServices;
using Obverse.Diffusion;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>Runs a sample to its end, or until it is stopped: rows, guidance, sampler, autoencoder, picture.</summary>
internal static class SampleRun
{
    private const int FramesPerSecond = 10;

    public static async IAsyncEnumerable<JobEvent> Events(SampleJob job, Workshop? workshop, Outputs? outputs, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.CompletedTask; // completes at once: tensors belong to the scopes of one thread
        foreach (var one in Steps(job, workshop, outputs, cancellation)) yield return one;
    }

    public static IEnumerable<JobEvent> Steps(SampleJob job, Workshop? workshop, Outputs? outputs, CancellationToken cancellation)
    {
        using var own = workshop is null ? Workshop.For(job) : null;
        workshop ??= own!;
        JobLimits.Checked(job);
        outputs?.Check(job);
        var watch = Stopwatch.StartNew();
        workshop.Admit(job);
        workshop.UseThreads();
        if (job.Threads != Runtime.Threads) job = job with { Threads = Runtime.Threads };
        var model = workshop.Diffusion(job.Model.Name, job.Tuning);
        var stride = model.Autoencoder.Config.Stride;
        if (job.Width % stride != 0 || job.Height % stride != 0) throw new UsageException($"size {job.Width}x{job.Height}: multiples of {stride} are wanted, the pixels of a latent");
        SampleMemory.Check(job, model);
        var sampler = Sampler.Named(job.Sampler);
        var plan = job.Start is { } from ? sampler.Plan(model.Schedule, job.Steps, from.Strength) : sampler.Plan(model.Schedule, job.Steps);
        using var prompt = new SamplePrompt(job, model, workshop);
        using var latents = new SampleLatents(job, model, plan);
        using var maps = outputs?.Attention is not null && prompt.Tokens is not null ? new AttentionMaps((int)prompt.Rows.Size(1), job.Height / stride, job.Width / stride) : null;
        var checkpoints = outputs is null ? null : new Checkpoints(job, outputs, workshop.OnRemark);
        using var start = Tensor.Owned(latents.Start);
        using var deep = job.FullEvery is { } every ? new DeepFeatures(every) : null;
        Sampling New()
        {
            deep?.Restore(0, _ => null);
            var denoise = Denoisers.Guided(model.UNet, prompt.Rows, prompt.Negative, job.Guidance, prompt.Mask(maps is null ? null : maps.Add), deep);
            return new(sampler, denoise, model.Schedule, plan, start) { Noise = latents.Noise, Constrain = latents.Constrain, Deep = deep };
        }

        using var sampling = checkpoints?.Begin(New, (one, path) => one.Restore(path), one => one.Next) ?? New();
        yield return new JobStarted(job);

        using var film = outputs?.Film is { } path ? Film.Open(path, FramesPerSecond) : null;
        var (clock, first, until) = (Stopwatch.StartNew(), sampling.Next, Math.Min(job.StoppedAfter ?? plan.Count, plan.Count));
        var stopped = false;
        SamplingStep? held = null;
        Picture picture;
        try
        {
            foreach (var step in sampling.Run())
            {
                held?.Dispose();
                held = step;
                if (!step.Latents.IsAllFinite()) throw new InvalidDataException($"step {step.Index + 1}: the latents are not finite; use less guidance, or weights without NaN");
                if (outputs?.Every > 0 && (step.Index + 1) % outputs.Every == 0) latents.Decoded(model, step.Clean).Save(outputs.Frame(step.Index + 1, step.Count));
                film?.Add(Preview(model, step.Clean, job));
                checkpoints?.Pass(sampling.Save);
                yield return new StepEvent(job.Title, new Step { Index = step.Index, Count = step.Count, Losses = [double.NaN], Similarities = [] }, (step.Index + 1 - first) / clock.Elapsed.TotalSeconds, () => Preview(model, step.Clean, job)) { Phase = "denoise" };
                workshop.UseThreads();
                if (sampling.Next == until || cancellation.IsCancellationRequested) break;
            }

            stopped = sampling.Next < until;
            if (stopped && outputs?.KeepsWhenStopped != true)
            {
                checkpoints?.Pass(sampling.Save);
                cancellation.ThrowIfCancellationRequested();
            }

            // Of a stopped one what it was about to be: its latents are noise still.
            picture = latents.Decoded(model, sampling.Next < plan.Count && held is not null ? held.Clean : sampling.Latents);
            if (stopped)
            {
                checkpoints!.Save(sampling.Save);
                job = job with { StoppedAfter = sampling.Next };
            }
        }
        finally { held?.Dispose(); }

        if (film is { Frames: > 0 })
        {
            var last = Scaled(picture.ToTensor(), job);
            for (var i = 0; i < FramesPerSecond; i++) film.Add(last); // held for a second
            film.Finish();
        }

        if (outputs is not null) job.SavePicture(picture, outputs.Picture);
        if (!stopped) checkpoints?.Remove();
        yield return new SampleFinished(job, picture, watch.Elapsed.TotalSeconds, outputs?.Picture)
        {
            Checkpoint = stopped ? outputs?.Checkpoint : null,
            Attention = maps is null || stopped ? [] : AttentionPictures.Save(outputs!.Attention!, maps, prompt.Tokens!, picture),
        };
    }

    // The linear look at latents, no larger than needed: the autoencoder would take longer than the step.
    private static Picture Preview(StableDiffusionModel model, Tensor latents, SampleJob job)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        return Scaled(LatentPreview.Of(model.Autoencoder).ToPictures(latents).To(Torch.Device.Cpu), job);
    }

    private static Picture Scaled(Tensor picture, SampleJob job)
    {
        const int Longest = 256;
        using var scope = new TensorScope();
        var scale = Math.Min(1, Longest / (double)Math.Max(job.Width, job.Height));
        return picture.Resize(Math.Max(1, (int)(job.Height * scale)), Math.Max(1, (int)(job.Width * scale)), Interpolation.Bilinear, antialias: true).ToPicture();
    }

    private static bool IsAllFinite(this Tensor tensor)
    {
        using var scope = new TensorScope();
        return double.IsFinite(tensor.Sum().Item());
    }
}
