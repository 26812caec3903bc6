using System.Numerics;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>How the trace of (S_a S_b)^½ is taken. Of covariances of full rank all three agree to rounding; where pictures are fewer than features the libraries' are off by the roots of rounded zeros.</summary>
public enum FrechetRoot
{
    /// <summary>Singular values of a product of factors: exact for singular covariances too.</summary>
    Exact,

    /// <summary>The principal root of the product; where it is not finite, again with 1e-6 on both diagonals (pytorch-fid and clean-fid, calculate_frechet_distance).</summary>
    Sqrtm,

    /// <summary>Real parts of the roots of the product's eigenvalues (torch-fidelity, fid_statistics_to_metric).</summary>
    Eigenvalues,
}

/// <summary>
/// |mu_a - mu_b|² + tr(S_a + S_b - 2 (S_a S_b)^½) of two clouds of features, covariances divided by N - 1, in float64 (Heusel et al. 2017; spec metrics.md 7.2). Called FID only over
/// Inception's features: report network, pictures and sample size with every number.
/// </summary>
public static class FrechetDistance
{
    private const double Rounding = 1.0 / (1L << 52);

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
        var root = x.Matmul(y.T()).SingularValues().Sum();
        return ((meanA - meanB).Square().Sum() + x.Square().Sum() + y.Square().Sum() - root * 2).Item();
    }

    /// <summary>The same from means [d] and covariances [d, d]; means that are float32 are subtracted and squared so, as numpy does.</summary>
    public static double Between(Tensor meanA, Tensor covarianceA, Tensor meanB, Tensor covarianceB) => Between(new FeatureStatistics(meanA, covarianceA), new FeatureStatistics(meanB, covarianceB));

    /// <inheritdoc cref="Between(Tensor, Tensor, Tensor, Tensor)"/>
    public static double Between(FeatureStatistics a, FeatureStatistics b, FrechetRoot by = FrechetRoot.Exact)
    {
        using var scope = new TensorScope();
        var root = by switch
        {
            FrechetRoot.Sqrtm => Finite(offset => OfEigenvalues(a, b, offset)),
            FrechetRoot.Eigenvalues => OfEigenvalues(a, b),
            // S_a = F_a F_aᵀ: the root of an eigenvalue of S_a S_b is a singular value of F_aᵀ F_b. Roots of eigenvalues would make 1e-8 of a zero's rounding of 1e-16.
            _ => Factor(a).T().Matmul(Factor(b)).SingularValues().Sum().Item(),
        };
        var isFloat = a.Mean.DType == DType.Float32 && b.Mean.DType == DType.Float32;
        Tensor Mean(Tensor mean) => isFloat ? mean : mean.To(DType.Float64);
        var traces = a.Covariance.To(DType.Float64).Diagonal().Sum() + b.Covariance.To(DType.Float64).Diagonal().Sum();
        return (Mean(a.Mean) - Mean(b.Mean)).Square().Sum().Item() + traces.Item() - root * 2;
    }

    /// <summary>pytorch-fid's second try: the trace with nothing on the diagonals, and where that is not finite with 1e-6.</summary>
    /// <exception cref="ArgumentException">It is not finite either.</exception>
    internal static double Finite(Func<double, double> trace)
    {
        foreach (var offset in (double[])[0, 1e-6]) if (trace(offset) is var found && double.IsFinite(found)) return found;
        throw new ArgumentException("Fréchet distance: the root of the product of the covariances is not finite, not with 1e-6 on their diagonals either");
    }

    // The trace of a principal root is the sum of the eigenvalues' principal roots: what sqrtm adds up on the diagonal of its Schur form. One road for both libraries; their own two differ by rounding (2e-9 of 5.3 on the reference outputs).
    private static double OfEigenvalues(FeatureStatistics a, FeatureStatistics b, double offset = 0)
    {
        Tensor Raised(Tensor covariance) => offset == 0 ? covariance.To(DType.Float64) : covariance.To(DType.Float64) + Tensor.Eye(covariance.Size(0), DType.Float64) * offset;
        try
        {
            var product = Raised(a.Covariance).Matmul(Raised(b.Covariance));
            if (!double.IsFinite((product * 0).Sum().Item())) return double.NaN; // LAPACK's QR iteration need not end on infinities
            var values = product.Eigenvalues().ToArray<double>();
            return Enumerable.Range(0, values.Length / 2).Sum(i => Complex.Sqrt(new(values[2 * i], values[2 * i + 1])).Real);
        }
        catch (TorchException)
        {
            return double.NaN; // LAPACK found none
        }
    }

    // [d, rank]: Cholesky's of those features that vary; where it has none, the eigenvectors by the roots of the eigenvalues, of which no more than N - 1 are not rounding.
    private static Tensor Factor(FeatureStatistics of)
    {
        var covariance = of.Covariance.To(DType.Float64);
        var variances = covariance.Diagonal().Contiguous().ToArray<double>();
        var least = variances.Max() * 1e-25;
        long[] alive = [.. variances.Index().Where(pair => pair.Item > least).Select(pair => (long)pair.Index)];
        if (alive.Length == 0) return Tensor.Zeros([variances.Length, 1], DType.Float64);
        var places = Tensor.From(alive);
        var part = alive.Length == variances.Length ? covariance : covariance.IndexSelect(0, places).IndexSelect(1, places);
        var factor = of.Count > 0 && of.Count <= alive.Length ? null : Cholesky(part);
        if (factor is null)
        {
            var (values, vectors) = part.Eigh();
            var rank = of.Count > 0 ? (int)Math.Min(of.Count - 1, alive.Length) : values.ToArray<double>().Count(value => value > values.Max().Item() * alive.Length * Rounding);
            factor = (vectors * values.Clamp(0, double.MaxValue).Sqrt()).Narrow(1, alive.Length - Math.Max(rank, 1), Math.Max(rank, 1));
        }

        if (alive.Length == variances.Length) return factor;
        // Rows of features that do not vary are zero.
        var row = new long[variances.Length];
        Array.Fill(row, alive.Length);
        for (var i = 0; i < alive.Length; i++) row[alive[i]] = i;
        return Tensor.Cat([factor, Tensor.Zeros([1, factor.Size(1)], DType.Float64)]).IndexSelect(0, Tensor.From(row));
    }

    private static Tensor? Cholesky(Tensor matrix)
    {
        try
        {
            return matrix.Cholesky();
        }
        catch (TorchException)
        {
            return null;
        }
    }

    // Rows less their mean, divided by sqrt(N - 1): their product is the covariance.
    private static (Tensor Rows, Tensor Mean) Centred(Tensor rows)
    {
        var wide = rows.Detach().To(DType.Float64);
        var mean = wide.Mean(0);
        return ((wide - mean) / Math.Sqrt(wide.Size(0) - 1), mean);
    }
}
