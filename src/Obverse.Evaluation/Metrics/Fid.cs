using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>Fréchet distance between two sets as a metric (<see cref="FrechetDistance"/>). Fewer pictures than features bias it upward, strongly: compare at equal N only.</summary>
public sealed record Fid : IMetric
{
    /// <summary>The mean in float32, as torch-fidelity and clean-fid have it; pytorch-fid takes it in float64.</summary>
    public bool FloatMean { get; init; }

    /// <summary>Whose root: exact unless a library is named.</summary>
    public FrechetRoot Root { get; init; }

    public string Name => "FID";
    public MetricInputs Inputs => MetricInputs.Pictures | MetricInputs.Reference;
    public bool HigherIsBetter => false;
    public (double Least, double Most) Range => (0, double.PositiveInfinity);
    public int LeastPictures => 2;

    /// <summary>With the exact root, which takes a tenth of the time; the spread of a distance does not feel which.</summary>
    IMetric IMetric.OfHalves => this with { Root = FrechetRoot.Exact };

    public IReadOnlyList<Figure> Measure(MetricData data) => [new(Name, Between(MetricData.Of(data.Pictures, "pictures"), MetricData.Of(data.Reference, "reference pictures")))];

    /// <summary>Never below 0: rounding may leave -2e-7 between equal sets.</summary>
    public double Between(FeatureRows a, FeatureRows b)
    {
        if (Root == FrechetRoot.Exact && !FloatMean && a.Count <= a.Width && b.Count <= b.Width)
        {
            using var scope = new TensorScope();
            return Math.Max(0, FrechetDistance.Between(a.All(), b.All()));
        }

        return Between(FeatureStatistics.Of(a, FloatMean), FeatureStatistics.Of(b, FloatMean), Root);
    }

    /// <summary>Of statistics that may come from a file. They are disposed.</summary>
    public static double Between(FeatureStatistics a, FeatureStatistics b, FrechetRoot root = FrechetRoot.Exact)
    {
        if (a.Width != b.Width) throw new ArgumentException($"Fréchet distance: statistics of {a.Width} and of {b.Width} features were given; those of one network are wanted");
        try
        {
            return Math.Max(0, FrechetDistance.Between(a, b, root));
        }
        finally
        {
            foreach (var one in (Tensor[])[a.Mean, a.Covariance, b.Mean, b.Covariance]) one.Dispose();
        }
    }
}
