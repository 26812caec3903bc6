using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>
/// |mu_a - mu_b|² + tr(S_a + S_b - 2 (S_a S_b)^½) of two clouds of features, covariances divided by N - 1, in float64 (Heusel et al. 2017; spec metrics.md 7.2). Called FID only over
/// Inception's features: report network, pictures and sample size with every number.
/// </summary>
public static class FrechetDistance
{
    /// <param name="a">[n, d], at least two rows.</param>
    /// <param name="b">[m, d].</param>
    public static double Between(Tensor a, Tensor b)
    {
        if (a.Dims != 2 || b.Dims != 2 || a.Size(1) != b.Size(1) || a.Size(0) < 2 || b.Size(0) < 2)
            throw new ArgumentException($"Fréchet distance: features [{string.Join(", ", a.Shape)}] and [{string.Join(", ", b.Shape)}] were given; [n, d] and [m, d] of at least two rows are wanted");
        using var scope = new TensorScope();
        var (x, meanA) = Centred(a);
        var (y, meanB) = Centred(b);
        // The trace of the root of a product of X'X and Y'Y is the sum of the singular values of X Y': exact where covariances are singular too.
        var root = x.Matmul(y.T()).Svd().S.Sum();
        return ((meanA - meanB).Square().Sum() + x.Square().Sum() + y.Square().Sum() - root * 2).Item();
    }

    /// <summary>The same from means [d] and covariances [d, d].</summary>
    public static double Between(Tensor meanA, Tensor covarianceA, Tensor meanB, Tensor covarianceB)
    {
        using var scope = new TensorScope();
        var (sa, sb) = (covarianceA.To(DType.Float64), covarianceB.To(DType.Float64));
        var (values, vectors) = sa.Eigh();
        var half = (vectors * values.Clamp(0, double.MaxValue).Sqrt()).Matmul(vectors.T());
        var root = half.Matmul(sb).Matmul(half).Eigh().Values.Clamp(0, double.MaxValue).Sqrt().Sum();
        var traces = (sa.Diagonal().Sum() + sb.Diagonal().Sum());
        return ((meanA.To(DType.Float64) - meanB.To(DType.Float64)).Square().Sum() + traces - root * 2).Item();
    }

    // Rows less their mean, divided by sqrt(N - 1): their product is the covariance.
    private static (Tensor Rows, Tensor Mean) Centred(Tensor rows)
    {
        var wide = rows.Detach().To(DType.Float64);
        var mean = wide.Mean(0);
        return ((wide - mean) / Math.Sqrt(wide.Size(0) - 1), mean);
    }
}
