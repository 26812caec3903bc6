using Obverse.Torch;

namespace Obverse.Evaluation;

internal static class SquaredDistances
{
    /// <summary>|x - y|² of all pairs, [n, m], never below 0.</summary>
    public static Tensor Of(Tensor x, Tensor y) => (x.Square().Sum(1, keep: true) + y.Square().Sum(1).Unsqueeze(0) - x.Matmul(y.T()) * 2.0).ClampMin(0.0);
}
