using Obverse.Torch;

namespace Obverse.Training;

/// <summary>How far and how an attack goes. Lengths are L2 norms over all values of a picture in 0 … 1 (MadryLab/robustness, attack_steps.L2Step).</summary>
public sealed record AttackOptions
{
    /// <summary>The longest perturbation.</summary>
    public required double Eps { get; init; }
    public int Steps { get; init; } = 5;

    /// <summary>Length of a step; null: 2.5 · eps / steps (Madry et al. 2018), at most eps where there is one step.</summary>
    public double? StepSize { get; init; }

    /// <summary>0: plain gradient steps. Else normalised gradients are gathered with this weight, as in chs20/RobustVLM's PGD (0.9 there).</summary>
    public double Momentum { get; init; }

    /// <summary>Keep the iterate with the highest loss of each picture, the clean one among them, at the price of one more forward pass; else the last.</summary>
    public bool Best { get; init; }

    /// <summary>One step of full length: the fast gradient method in L2.</summary>
    public static AttackOptions Fgsm(double eps) => new() { Eps = eps, Steps = 1, StepSize = eps };

    internal double Length => StepSize ?? (Steps == 1 ? Eps : 2.5 * Eps / Steps);
}

/// <summary>What an attack did in one step, for tests and pictures: losses before it [n], their gradient, and the perturbation after it.</summary>
public readonly record struct AttackStep(int Index, Tensor Losses, Tensor Gradient, Tensor Delta);

/// <summary>Perturbations of at most a given L2 length that raise a loss (projected gradient ascent). Weights need no gradient and get none.</summary>
public static class Attacks
{
    /// <summary>The attacked pictures, in 0 … 1, detached: [n, 3, h, w].</summary>
    /// <param name="losses">Pictures to a loss each, [n]; what is climbed is their mean.</param>
    /// <param name="images">[n, 3, h, w] in 0 … 1.</param>
    /// <param name="options">How.</param>
    /// <param name="start">The perturbation to begin with, or null for none; see <see cref="RandomStart"/>.</param>
    /// <param name="watch">Called after every step.</param>
    public static Tensor Pgd(Func<Tensor, Tensor> losses, Tensor images, AttackOptions options, Tensor? start = null, Action<AttackStep>? watch = null) => TensorScope.Of(() =>
    {
        var clean = images.Detach();
        var x = start is null ? clean : clean + start;
        Tensor? velocity = null, best = null, highest = null;
        for (var step = 0; step < options.Steps; step++)
        {
            var (loss, gradient) = Climb(losses, x);
            if (options.Best) (best, highest) = Higher(best, highest, x, loss);
            Tensor direction;
            if (options.Momentum > 0)
            {
                var unit = gradient / Lengths(gradient).ClampMin(1e-12);
                velocity = velocity is null ? unit : velocity * options.Momentum + unit;
                direction = velocity = velocity / Lengths(velocity).ClampMin(1e-12);
            }
            else
            {
                direction = gradient / (Lengths(gradient) + 1e-10);
            }

            // Project, then clamp: what is cut off at black and white only shortens the perturbation.
            x = (clean + Within(x + direction * options.Length - clean, options.Eps)).Clamp(0, 1);
            watch?.Invoke(new(step, loss, gradient, x - clean));
        }

        if (!options.Best) return x;
        using (new NoGrad()) return Higher(best, highest, x, losses(x)).Best;
    });

    /// <summary>A perturbation of length eps in a random direction, cut so that the pictures stay in 0 … 1: like <paramref name="images"/>.</summary>
    public static Tensor RandomStart(Tensor images, double eps, Generator random) => TensorScope.Of(() =>
    {
        var z = random.Normal(images.Shape);
        return (images + z / (Lengths(z) + 1e-10) * eps).Clamp(0, 1) - images;
    });

    /// <summary>Each perturbation shortened to <paramref name="eps"/> where it is longer.</summary>
    public static Tensor Within(Tensor delta, double eps)
    {
        var lengths = Lengths(delta);
        return (delta * (eps / (lengths + 1e-7))).Where(lengths > eps, delta);
    }

    /// <summary>The L2 length of each picture: [n, 1, 1, 1].</summary>
    public static Tensor Lengths(Tensor pictures) => pictures.Square().Sum([1, 2, 3], keep: true).Sqrt();

    private static (Tensor Losses, Tensor Gradient) Climb(Func<Tensor, Tensor> losses, Tensor at)
    {
        using var scope = new TensorScope();
        var x = at.Detach().Clone();
        x.RequiresGrad = true;
        var loss = losses(x);
        return (scope.Keep(loss.Detach()), scope.Keep(Tensor.Gradients(loss.Mean(), [x])[0]!));
    }

    private static (Tensor Best, Tensor Highest) Higher(Tensor? best, Tensor? highest, Tensor x, Tensor losses)
    {
        if (best is null) return (x, losses);
        var better = losses > highest!;
        return (x.Where(better.Reshape(-1, 1, 1, 1), best), losses.Where(better, highest!));
    }
}
