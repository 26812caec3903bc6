using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// Looks for the small change of a picture that raises a loss most: normalised gradient ascent inside an L2 ball (spec clipag.md 4.1; MadryLab/robustness, attack_steps.L2Step). Made by <see cref="Attacks"/>.
/// </summary>
public sealed record Attack
{
    /// <summary>Radius of the ball, over all values of a picture in 0 … 1.</summary>
    public required double Epsilon { get; init; }
    public required int Steps { get; init; }

    /// <summary>How far a step goes.</summary>
    public required double Alpha { get; init; }

    /// <summary>How much of the last direction is kept; 0: none (chs20/RobustVLM has 0.9).</summary>
    public double Momentum { get; init; }

    /// <summary>Gives the iterate of the highest loss, each picture its own, for one more forward pass; else the last, as in training.</summary>
    public bool KeepsBest { get; init; }

    /// <summary>Attacked pictures, [n, 3, h, w] in 0 … 1, detached.</summary>
    /// <param name="images">[n, 3, h, w] in 0 … 1.</param>
    /// <param name="loss">What is to rise: pictures to [n]; the gradient is of its mean.</param>
    /// <param name="start">The change to begin with: <see cref="RandomStart"/>, or none.</param>
    /// <param name="observe">For tests: the step, its losses and gradient, and the change after it.</param>
    public Tensor Run(Tensor images, Func<Tensor, Tensor> loss, Tensor? start = null, Action<int, Tensor, Tensor, Tensor>? observe = null) => TensorScope.Of(() =>
    {
        var clean = images.Detach();
        var x = start is null ? clean : clean + start;
        Tensor? velocity = null;
        (Tensor Images, Tensor Losses)? best = null;
        for (var step = 0; step < Steps; step++)
        {
            var (losses, gradient) = Gradient(loss, x);
            if (KeepsBest) best = Better(best, x, losses);
            var direction = Unit(gradient);
            if (Momentum > 0) direction = velocity = Unit(velocity is null ? direction : velocity * Momentum + direction);
            x = (clean + Within(x + direction * Alpha - clean)).Clamp(0, 1); // into the ball, then into the colours
            observe?.Invoke(step, losses, gradient, x - clean);
        }

        if (!KeepsBest) return x;
        using var still = new NoGrad();
        return Better(best, x, loss(x)).Images;
    });

    /// <summary>The change that reaches the ball's surface in a random direction (<paramref name="normal"/>: its N(0, 1) draws), as far as colours allow.</summary>
    public Tensor RandomStart(Tensor images, Tensor normal) => TensorScope.Of(() => (images + Unit(normal) * Epsilon).Clamp(0, 1) - images);

    private Tensor Within(Tensor change)
    {
        var length = Length(change);
        return (change * (Epsilon / (length + 1e-7))).Where(length > Epsilon, change);
    }

    private static Tensor Length(Tensor change) => change.Norm([1, 2, 3], keep: true);

    private static Tensor Unit(Tensor change) => change / (Length(change) + 1e-10);

    private static (Tensor Losses, Tensor Gradient) Gradient(Func<Tensor, Tensor> loss, Tensor images)
    {
        using var scope = new TensorScope();
        var x = images.Detach().Clone();
        x.RequiresGrad = true;
        var losses = loss(x);
        return (scope.Keep(losses.Detach()), scope.Keep(Tensor.Gradients(losses.Mean(), [x])[0] ?? throw new InvalidOperationException("the attacked loss does not depend on the pictures")));
    }

    private static (Tensor Images, Tensor Losses) Better((Tensor Images, Tensor Losses)? best, Tensor images, Tensor losses)
    {
        if (best is not { } before) return (images, losses);
        var higher = losses > before.Losses;
        return (images.Where(higher.Reshape(-1, 1, 1, 1), before.Images), losses.Where(higher, before.Losses));
    }
}

/// <summary>The attacks by name, and what they raise.</summary>
public static class Attacks
{
    /// <summary>Projected gradient ascent: chosen here 5 steps of 2.5 epsilon / steps (spec clipag.md 4.1).</summary>
    public static Attack Pgd(double epsilon, int steps = 5, double? alpha = null) => new() { Epsilon = epsilon, Steps = steps > 0 ? steps : throw new ArgumentOutOfRangeException(nameof(steps), steps, "at least one step"), Alpha = alpha ?? 2.5 * epsilon / steps };

    /// <summary>One step to the ball's surface.</summary>
    public static Attack Fgsm(double epsilon) => Pgd(epsilon, 1, epsilon);

    /// <summary>RobustVLM's: a direction is kept from step to step.</summary>
    public static Attack MomentumPgd(double epsilon, int steps = 5, double? alpha = null, double momentum = 0.9) => Pgd(epsilon, steps, alpha) with { Momentum = momentum };

    /// <summary>1 - cos of every picture to its text: [n, d], [n, d] to [n].</summary>
    public static Tensor Cosine(Tensor images, Tensor texts) => 1 - (images.Normalized() * texts.Normalized()).Sum(-1);

    /// <summary>CLIP's own loss, a sample each: (cross entropy over texts + over pictures) / 2 of <paramref name="scale"/> · cos. [n].</summary>
    public static Tensor InfoNce(Tensor images, Tensor texts, Tensor scale)
    {
        var logits = images.Normalized().Matmul(texts.Normalized().T()) * scale; // [pictures, texts]
        return (logits.LogSoftmax(1).Diagonal() + logits.LogSoftmax(0).Diagonal()) * -0.5;
    }
}
