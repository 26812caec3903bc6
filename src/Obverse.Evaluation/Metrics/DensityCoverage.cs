namespace Obverse.Evaluation;

/// <summary>
/// Density and coverage (Naeem et al. 2020; clovaai/generative-evaluation-prdc, prdc.py): how many real neighbourhoods a picture lies in, by k; and the share of real pictures whose neighbourhood
/// holds one. Unlike precision, density does not reward a single outlier of the real set. Distances are compared strictly.
/// </summary>
public sealed record DensityCoverage : IMetric
{
    public int Neighbours { get; init; } = 5;

    public string Name => "density";
    public MetricInputs Inputs => MetricInputs.Pictures | MetricInputs.Reference;
    public bool HigherIsBetter => true;
    public (double Least, double Most) Range => (0, double.PositiveInfinity);
    public int LeastReference => Neighbours + 1;

    /// <summary>Density and coverage.</summary>
    public IReadOnlyList<Figure> Measure(MetricData data)
    {
        var (generated, real) = (MetricData.Of(data.Pictures, "pictures"), MetricData.Of(data.Reference, "reference pictures"));
        var radii = Neighbourhoods.Radii(real, Neighbours);
        var (inside, covered) = (0L, new bool[real.Count]);
        Neighbourhoods.Visit(real, generated, (i, _, distance) =>
        {
            if (distance >= radii[i]) return;
            inside++;
            covered[i] = true;
        });
        return [new(Name, inside / ((double)Neighbours * generated.Count)), new("coverage", covered.Count(one => one) / (double)real.Count)];
    }
}
