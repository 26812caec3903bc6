using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>
/// Improved precision and recall (Kynkäänniemi et al. 2019): the share of pictures that lie within the distance from some real one to its k-th nearest, and the other way round
/// (torch_fidelity/metric_prc.py).
/// </summary>
public sealed record PrecisionRecall : IMetric
{
    public int Neighbours { get; init; } = 3;

    public string Name => "precision";
    public MetricInputs Inputs => MetricInputs.Pictures | MetricInputs.Reference;
    public bool HigherIsBetter => true;
    public (double Least, double Most) Range => (0, 1);
    public int LeastPictures => Neighbours + 1;

    /// <summary>Precision, recall and their harmonic mean.</summary>
    public IReadOnlyList<Figure> Measure(MetricData data)
    {
        var (generated, real) = (MetricData.Of(data.Pictures, "pictures"), MetricData.Of(data.Reference, "reference pictures"));
        var (precision, recall) = (Within(generated, real, Radii(real)), Within(real, generated, Radii(generated)));
        return [new(Name, precision), new("recall", recall), new("F-score", precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0)];
    }

    /// <summary>From each row to the k-th nearest other one.</summary>
    public double[] Radii(FeatureRows rows) => Neighbourhoods.Radii(rows, Neighbours);

    private static double Within(FeatureRows rows, FeatureRows centres, double[] radii)
    {
        var inside = new bool[rows.Count];
        Neighbourhoods.Visit(rows, centres, (i, j, distance) => inside[i] |= distance <= radii[j]);
        return inside.Count(one => one) / (double)rows.Count;
    }
}

/// <summary>Distances between the rows of two sets, in blocks, in float64.</summary>
internal static class Neighbourhoods
{
    public static double[] Radii(FeatureRows rows, int neighbours)
    {
        if (rows.Count <= neighbours) throw new ArgumentException($"the {neighbours} nearest others were asked for of {rows.Count} rows; more rows are wanted");
        var nearest = new List<double>[rows.Count];
        Visit(rows, rows, (i, j, distance) =>
        {
            if (i == j) return;
            var list = nearest[i] ??= [];
            if (list.Count == neighbours && distance >= list[^1]) return;
            var at = list.BinarySearch(distance);
            list.Insert(at < 0 ? ~at : at, distance);
            if (list.Count > neighbours) list.RemoveAt(neighbours);
        });
        return [.. nearest.Select(list => list[^1])];
    }

    /// <summary>Every pair's distance.</summary>
    public static void Visit(FeatureRows a, FeatureRows b, Action<int, int, double> pair) => a.Blocks((x, from) =>
    {
        var wide = x.To(DType.Float64);
        b.Blocks((y, at) =>
        {
            var columns = (int)y.Size(0);
            var distances = SquaredDistances.Of(wide, y.To(DType.Float64)).Sqrt().ToArray<double>();
            for (var i = 0; i < distances.Length; i++) pair(from + i / columns, at + i % columns, distances[i]);
        });
    });
}
