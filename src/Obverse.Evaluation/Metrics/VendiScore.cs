using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>
/// How many different pictures a set has (Friedman and Dieng 2023): exp of the entropy of the eigenvalues of the similarity matrix over N, similarities being cosines. From 1, all alike, to N, all
/// orthogonal. It needs no real pictures.
/// </summary>
public sealed record VendiScore : IMetric
{
    public string Name => "Vendi";
    public MetricInputs Inputs => MetricInputs.Pictures;
    public bool HigherIsBetter => true;
    public (double Least, double Most) Range => (1, double.PositiveInfinity);

    public IReadOnlyList<Figure> Measure(MetricData data) => [new(Name, Of(MetricData.Of(data.Pictures, "pictures")))];

    /// <summary>X Xᵀ and Xᵀ X have the same eigenvalues but zeros, and the smaller one is taken: memory does not grow with the set.</summary>
    public static double Of(FeatureRows rows)
    {
        if (rows.Count == 0) throw new ArgumentException("Vendi score: no pictures were given");
        using var scope = new TensorScope();
        Tensor matrix;
        if (rows.Count <= rows.Width)
        {
            using var still = new NoGrad();
            var all = rows.All().To(DType.Float64).Normalized(epsilon: 1e-300);
            matrix = all.Matmul(all.T());
        }
        else
        {
            matrix = Tensor.Zeros([rows.Width, rows.Width], DType.Float64);
            rows.Blocks((block, _) => matrix.CopyInPlace(matrix + (block.To(DType.Float64).Normalized(epsilon: 1e-300) is var x ? x.T().Matmul(x) : block)));
        }

        return Math.Exp(-(matrix / (double)rows.Count).EigenvaluesSymmetric().ToArray<double>().Where(value => value > 0).Sum(value => value * Math.Log(value)));
    }
}
