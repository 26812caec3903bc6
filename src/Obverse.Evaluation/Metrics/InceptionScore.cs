using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>
/// exp of the mean divergence between each picture's class probabilities and those of its split (Salimans et al. 2016), as torch-fidelity computes it (torch_fidelity/metric_isc.py): class scores
/// without bias, softmax in float64, rows shuffled. Few pictures bias it low.
/// </summary>
public sealed record InceptionScore : IMetric
{
    public int Splits { get; init; } = 10;
    public bool Shuffles { get; init; } = true;
    public uint Seed { get; init; } = 2020;

    public string Name => "IS";
    public MetricInputs Inputs => MetricInputs.Logits;
    public bool HigherIsBetter => true;
    public (double Least, double Most) Range => (1, double.PositiveInfinity);

    /// <summary>Mean and standard deviation (population) over the splits.</summary>
    public IReadOnlyList<Figure> Measure(MetricData data)
    {
        var values = PerSplit(MetricData.Of(data.Logits, "class scores"));
        var mean = values.Average();
        return [new(Name, mean, Math.Sqrt(values.Average(value => (value - mean) * (value - mean))))];
    }

    /// <summary>Split i has the rows i N / splits to (i + 1) N / splits; with fewer pictures than splits there are as many splits as pictures.</summary>
    /// <param name="rows">Class scores before the softmax, or probabilities.</param>
    /// <param name="areProbabilities">Whether the softmax is done.</param>
    public double[] PerSplit(FeatureRows rows, bool areProbabilities = false)
    {
        var (n, splits) = (rows.Count, Math.Min(Splits, rows.Count));
        if (n == 0) throw new ArgumentException("Inception score: no pictures were given");
        var order = Shuffles ? new NumpyRandom(Seed).Permutation(n) : [.. Enumerable.Range(0, n)];
        return [.. Enumerable.Range(0, splits).Select(i => OfSplit(rows.Subset(order[(int)((long)i * n / splits)..(int)((long)(i + 1) * n / splits)]), areProbabilities))];
    }

    // exp(mean of sum p log p - sum q log q), q the mean of p: the mean divergence, in one pass.
    private static double OfSplit(FeatureRows rows, bool areProbabilities)
    {
        var (sum, entropies) = (new double[rows.Width], 0.0);
        rows.Blocks((block, _) =>
        {
            var wide = block.To(DType.Float64);
            var p = areProbabilities ? wide : wide.Softmax(1);
            var log = areProbabilities ? wide.ClampMin(1e-300).Log() : wide.LogSoftmax(1);
            entropies += (p * log).Sum().Item();
            var classes = p.Sum(0).ToArray<double>();
            for (var c = 0; c < sum.Length; c++) sum[c] += classes[c];
        });
        return Math.Exp(entropies / rows.Count - sum.Select(p => p / rows.Count).Where(q => q > 0).Sum(q => q * Math.Log(q)));
    }
}
