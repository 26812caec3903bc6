using Obverse.Torch;

namespace Obverse;

/// <summary>
/// Fits implicit representations to blurred pictures, as the bank of CLIP^-1 wants them (spec implicit-inversion.md 2.4). With <see cref="Gamma"/> above 0 the weights are moved uphill before every
/// gradient (adversarial weight perturbation, Wu et al. 2020): the fit then lies where small changes of the weights change little. All pictures of a batch are fitted at once, each as if it were alone.
/// </summary>
public sealed record InrFit
{
    /// <summary>Chosen here; FINER's script takes up to 5000.</summary>
    [Limit(1, 1_000_000)]
    public int Steps { get; init; } = 1000;

    /// <summary>Adam's at the start; it falls to a tenth over the steps, as in FINER's train_image.py.</summary>
    [Limit(0, 1e6)]
    public double Rate { get; init; } = 5e-4;

    /// <summary>Length of the perturbation of a weight matrix as a part of its own length; 0: a plain fit. 0.01 is AWP's for standard training.</summary>
    [Limit(0, 1)]
    public double Gamma { get; init; } = 0.01;

    /// <summary>In pixels; null: 6 at a side of 224, and in proportion. 0: not blurred.</summary>
    [Limit(0, 1000)]
    public double? Blur { get; init; }

    /// <summary>Colours to be met at every place, -1 … 1, from pictures in 0 … 1: [n, 3, h, w] to [n, h·w, 3].</summary>
    public Tensor Targets(Tensor pictures) => TensorScope.Of(() =>
    {
        var sigma = Blur ?? 6 * Math.Min(pictures.Size(2), pictures.Size(3)) / 224.0;
        var soft = sigma == 0 ? pictures : new BlurView { Sigma = new(sigma, sigma) }.Apply(pictures, ViewParameters.None);
        return (soft.Flatten(2).Transpose(1, 2) * 2 - 1).Contiguous();
    });

    /// <summary>A canvas of <paramref name="count"/> equal representations: those of a bank begin from the same weights, so that they stay comparable.</summary>
    public static InrCanvas Start(Inr plan, long count, long height, long width, Generator random)
    {
        using var scope = new TensorScope();
        using var one = (InrCanvas)plan.Create(1, height, width, random);
        return new(plan, [.. one.Groups.Select(layer => (layer.Parameters[0].Detach().Expand(count, -1, -1), layer.Parameters[1].Detach().Expand(count, -1)))], height, width);
    }

    /// <summary>Step after step; the optimiser is a new one.</summary>
    public IEnumerable<InrFitStep> Run(InrCanvas canvas, Tensor targets, CancellationToken cancellation = default)
    {
        if (targets.Size(0) != canvas.Count) throw new ArgumentException($"{targets.Size(0)} pictures for {canvas.Count} representations: one each is wanted");
        using var adam = Schedule.Adam(Rate).Create(canvas);
        for (var step = 0; step < Steps && !cancellation.IsCancellationRequested; step++) yield return Take(canvas, targets, adam, step);
    }

    private InrFitStep Take(InrCanvas canvas, Tensor targets, Optimizer adam, int step)
    {
        using var scope = new TensorScope();
        Tensor Losses() => (canvas.Colours() - targets).Square().Mean([1, 2]); // [count]; a sum of them gives each its own gradient
        Tensor[] weights = [.. canvas.Groups.Select(group => group.Parameters[0])]; // matrices only: biases are not perturbed
        Tensor? before = null;
        Tensor[] deltas = [];
        if (Gamma > 0)
        {
            var plain = Losses();
            before = plain.Detach();
            deltas = [.. Tensor.Gradients(plain.Sum(), weights).Select((gradient, l) => Perturbation(weights[l].Detach(), gradient!))];
            Move(weights, deltas, 1);
        }

        var losses = Losses();
        losses.Sum().Backward();
        Observe?.Invoke(step, deltas, [.. canvas.Groups.SelectMany(group => group.Parameters).Select(p => p.Grad!)]);
        foreach (var group in adam.Groups) group.Rate = Rate * Math.Pow(0.1, step / (double)Steps);
        adam.Step();
        adam.ZeroGrad();
        Move(weights, deltas, -1);
        return new(step, (before ?? losses).Detach().ToFloats(), losses.ToFloats());
    }

    /// <summary>For tests: the perturbations of the weight matrices, and the gradients where they led.</summary>
    internal Action<int, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>>? Observe { get; init; }

    // gamma |w| g / |g|, for each matrix of the batch (csdongxian/AWP, utils_awp.py, without its round trip through rounded weights).
    private Tensor Perturbation(Tensor weight, Tensor gradient) => gradient * (weight.Norm([1, 2], keep: true) * Gamma / (gradient.Norm([1, 2], keep: true) + 1e-20));

    private static void Move(Tensor[] weights, Tensor[] deltas, int way)
    {
        using var still = new NoGrad();
        for (var l = 0; l < deltas.Length; l++) weights[l].AddInPlace(deltas[l], way);
    }
}

/// <summary>Losses of every picture before the step, and where the perturbation led (the same without one).</summary>
public readonly record struct InrFitStep(int Index, float[] Losses, float[] Perturbed);
