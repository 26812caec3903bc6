using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>
/// CMMD (Jayasumana et al. 2024): 1,000 times the squared maximum mean discrepancy of CLIP embeddings under exp(-|a - b|² / (2 · 10²)), diagonals included (sayakpaul/cmmd-pytorch, distance.py), in
/// float64: the float32 original is off by up to 2e-4. Called CMMD without a network's name only over ViT-L/14@336.
/// </summary>
public sealed record Cmmd : IMetric
{
    private const double Sigma = 10, Scale = 1000;

    public string Name => "CMMD";
    public MetricInputs Inputs => MetricInputs.Pictures | MetricInputs.Reference;
    public bool HigherIsBetter => false;

    public IReadOnlyList<Figure> Measure(MetricData data) => [new(Name, Between(MetricData.Of(data.Pictures, "pictures"), MetricData.Of(data.Reference, "reference pictures"), normalize: true))];

    /// <param name="a">Embeddings.</param>
    /// <param name="b">Of the other set.</param>
    /// <param name="normalize">Whether rows are to be brought to length 1 first.</param>
    public static double Between(FeatureRows a, FeatureRows b, bool normalize = false)
    {
        if (a.Width != b.Width || a.Count == 0 || b.Count == 0) throw new ArgumentException($"CMMD: {a.Count} rows of {a.Width} and {b.Count} of {b.Width} were given; rows of one width are wanted");
        return Scale * (Mean(a, a, normalize) + Mean(b, b, normalize) - 2 * Mean(a, b, normalize));
    }

    private static double Mean(FeatureRows a, FeatureRows b, bool normalize)
    {
        var sum = 0.0;
        Tensor Wide(Tensor rows) => rows.To(DType.Float64) is var wide && normalize ? wide.Normalized() : rows.To(DType.Float64);
        a.Blocks((x, _) =>
        {
            var wide = Wide(x);
            b.Blocks((y, _) => sum += (SquaredDistances.Of(wide, Wide(y)) * (-1 / (2 * Sigma * Sigma))).Exp().Sum().Item());
        });
        return sum / ((double)a.Count * b.Count);
    }
}
