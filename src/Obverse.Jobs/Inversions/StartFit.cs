using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>The fit of an implicit representation to the start picture of a job.</summary>
internal sealed class StartFit(InversionJob job, CachedFits cache)
{
    /// <summary>Fits the canvas to the picture, or takes a cached fit; a stopped fit throws, since it is no valid start.</summary>
    public IEnumerable<InrFitStep> Run(Canvas canvas, CancellationToken cancellation)
    {
        var fit = job.Recipe.Fit!;
        if (job.Start is null) throw new ArgumentException($"recipe '{job.Recipe.Name}' works on a picture, and the job has no start picture");
        if (canvas is CanvasWrapper wrapper) canvas = wrapper.Inner;
        if (canvas is not InrCanvas inr) throw new ArgumentException($"recipe '{job.Recipe.Name}': only an implicit representation can be fitted; the canvas is {job.Recipe.Canvas}");
        // Everything the fit depends on but the machine: seed and plan give the first weights.
        var key = $"{job.Start.Sha256} {job.Width}x{job.Height} {job.Seed} {job.Device} {job.Pictures} {job.Recipe.Canvas} {PartJson.Write(fit)}";
        if (cache.Recall(key, canvas)) yield break;
        using var targets = TensorScope.Of(() =>
        {
            using var still = new NoGrad();
            return fit.Targets(job.Load(job.Start).ToTensor().Resize(job.Height, job.Width, Interpolation.Bicubic, antialias: true).Clamp(0, 1).To(canvas.Groups[0].Parameters[0].Device));
        });
        foreach (var step in fit.Run(inr, targets, cancellation))
        {
            if (!float.IsFinite(step.Losses[0])) throw new InvalidDataException($"{job.Start.Path}: the fit's loss is {step.Losses[0]} at step {step.Index + 1}; use a lower rate");
            yield return step;
        }

        cancellation.ThrowIfCancellationRequested();
        cache.Add(key, canvas);
    }
}

/// <summary>Fits shared by jobs on one picture that differ only in their targets.</summary>
public sealed class CachedFits : IDisposable
{
    private readonly Dictionary<string, Tensor[]> fits = [];

    internal bool Recall(string key, Canvas canvas)
    {
        if (!fits.TryGetValue(key, out var tensors)) return false;
        using var still = new NoGrad();
        foreach (var (parameter, tensor) in canvas.State().Zip(tensors)) parameter.Value.CopyInPlace(tensor);
        return true;
    }

    internal void Add(string key, Canvas canvas) => fits[key] = [.. canvas.State().Select(pair => pair.Value.OwnedCopy())];

    public void Dispose()
    {
        foreach (var tensor in fits.Values.SelectMany(tensors => tensors)) tensor.Dispose();
        fits.Clear();
    }
}
