using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>Of the fit with which a run on a picture begins: who is told of it, and who may stop it.</summary>
public sealed record Fitting
{
    public Action<InrFitStep>? Told { get; init; }
    public CancellationToken Stop { get; init; }

    /// <summary>True where the canvas is restored from a file next.</summary>
    public bool IsLeftOut { get; init; }

    /// <summary>Where fits lie that were made already, and this one goes; null: nowhere.</summary>
    public FittedStarts? Kept { get; init; }
}

/// <summary>Fits for several runs on one picture, which differ in what they draw toward only.</summary>
public sealed class FittedStarts : IDisposable
{
    private readonly Dictionary<string, Tensor[]> kept = [];

    internal bool Recall(string key, Canvas canvas)
    {
        if (!kept.TryGetValue(key, out var tensors)) return false;
        using var still = new NoGrad();
        foreach (var (parameter, tensor) in canvas.State().Zip(tensors)) parameter.Value.CopyInPlace(tensor);
        return true;
    }

    internal void Keep(string key, Canvas canvas) => kept[key] = [.. canvas.State().Select(pair => pair.Value.OwnedCopy())];

    public void Dispose()
    {
        foreach (var tensor in kept.Values.SelectMany(tensors => tensors)) tensor.Dispose();
        kept.Clear();
    }
}

public sealed partial record Run
{
    // Everything the fit depends on but the machine: seed and plan give the first weights.
    private void Fit(Canvas canvas, Fitting fitting)
    {
        if (canvas is not InrCanvas inr) throw new ArgumentException($"recipe '{Recipe.Name}': only an implicit representation can be fitted; the canvas is {Recipe.Canvas}");
        var key = $"{Start!.Sha256} {Width}x{Height} {Seed} {Device} {Recipe.Canvas} {PartJson.Write(Recipe.Fit)}";
        if (fitting.Kept?.Recall(key, canvas) == true) return;
        using var targets = TensorScope.Of(() =>
        {
            using var still = new NoGrad();
            return Recipe.Fit!.Targets(Start.Load().ToTensor().Resize(Height, Width, Interpolation.Bicubic, antialias: true).Clamp(0, 1).To(canvas.Layers[0].Parameters[0].Device));
        });
        foreach (var step in Recipe.Fit!.Run(inr, targets, fitting.Stop))
        {
            if (!float.IsFinite(step.Losses[0])) throw new InvalidDataException($"{Start.Path}: the fit's loss is {step.Losses[0]} at step {step.Index + 1}; a lower rate is needed");
            fitting.Told?.Invoke(step);
        }

        fitting.Stop.ThrowIfCancellationRequested(); // half a fit is no start
        fitting.Kept?.Keep(key, canvas);
    }
}
