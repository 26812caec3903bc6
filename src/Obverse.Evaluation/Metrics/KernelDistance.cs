using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>The kernel of KID: (gamma x·y + coef0)^degree, gamma 1/d unless given; or exp(-|x - y|² / (2 sigma²)).</summary>
public sealed record DistanceKernel
{
    public int Degree { get; init; } = 3;
    public double? Gamma { get; init; }
    public double Coef0 { get; init; } = 1;

    /// <summary>Of the Gaussian kernel; null: the polynomial one.</summary>
    public double? Sigma { get; init; }

    /// <summary>[n, d], [m, d] in float64 to [n, m].</summary>
    internal Tensor Of(Tensor x, Tensor y)
    {
        if (Sigma is { } sigma) return (SquaredDistances.Of(x, y) * (-1 / (2 * sigma * sigma))).Exp();
        var one = x.Matmul(y.T()) * (Gamma ?? 1.0 / x.Size(1)) + Coef0;
        var power = one;
        for (var i = 1; i < Degree; i++) power = power * one;
        return power;
    }
}

/// <summary>
/// Kernel distance between two sets (Bińkowski et al. 2018): the unbiased squared maximum mean discrepancy, over random subsets as torch-fidelity draws them
/// (torch_fidelity/metric_kid.py). Called KID only over Inception's features.
/// </summary>
public sealed record KernelDistance : IMetric
{
    public int Subsets { get; init; } = 100;
    public int SubsetSize { get; init; } = 1000;
    public uint Seed { get; init; } = 2020;
    public DistanceKernel Kernel { get; init; } = new();

    public string Name => "KID";
    public MetricInputs Inputs => MetricInputs.Pictures | MetricInputs.Reference;
    public bool HigherIsBetter => false;
    public int LeastPictures => 2;

    /// <summary>Fewer subsets: their own noise widens the interval a little.</summary>
    IMetric IMetric.OfHalves => this with { Subsets = Math.Min(Subsets, 5) };

    /// <summary>Mean and standard deviation (population) over the subsets.</summary>
    public IReadOnlyList<Figure> Measure(MetricData data)
    {
        var values = PerSubset(MetricData.Of(data.Pictures, "pictures"), MetricData.Of(data.Reference, "reference pictures"));
        var mean = values.Average();
        return [new(Name, mean, Math.Sqrt(values.Average(value => (value - mean) * (value - mean))))];
    }

    /// <summary>The value of every subset; where a set has fewer rows than a subset, subsets are as large as it.</summary>
    public double[] PerSubset(FeatureRows a, FeatureRows b)
    {
        var size = Math.Min(SubsetSize, Math.Min(a.Count, b.Count));
        if (size < 2) throw new ArgumentException($"kernel distance: sets of {a.Count} and {b.Count} were given; at least two each are wanted");
        var random = new NumpyRandom(Seed);
        var values = new double[Subsets];
        for (var i = 0; i < Subsets; i++)
        {
            using var scope = new TensorScope();
            var first = a.Read(random.Choice(a.Count, size));
            values[i] = Between(first, b.Read(random.Choice(b.Count, size)), Kernel);
        }

        return values;
    }

    /// <summary>Of two sets of equally many rows, [n, d] each: without the diagonals of the two inner kernels.</summary>
    public static double Between(Tensor a, Tensor b, DistanceKernel? kernel = null)
    {
        if (a.Dims != 2 || b.Dims != 2 || !a.Shape.SequenceEqual(b.Shape) || a.Size(0) < 2) throw new ArgumentException($"kernel distance: [{string.Join(", ", a.Shape)}] and [{string.Join(", ", b.Shape)}] were given; two [n, d] of at least two rows are wanted");
        kernel ??= new();
        using var still = new NoGrad();
        using var scope = new TensorScope();
        var (x, y) = (a.Detach().To(DType.Float64), b.Detach().To(DType.Float64));
        double n = x.Size(0);
        double Inner(Tensor rows) => kernel.Of(rows, rows) is var k ? (k.Sum() - k.Diagonal().Sum()).Item() : 0;
        return (Inner(x) + Inner(y)) / (n * (n - 1)) - 2 * kernel.Of(x, y).Sum().Item() / (n * n);
    }
}
