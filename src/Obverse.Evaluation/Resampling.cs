namespace Obverse.Evaluation;

/// <summary>A 95 % interval: the 2.5th and 97.5th percentiles of what resampling gave, as numpy's percentile has them.</summary>
public readonly record struct ConfidenceInterval(double Low, double High)
{
    public static ConfidenceInterval Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? new(double.NaN, double.NaN) : new(PairedBootstrap.Percentile(sorted, 0.025), PairedBootstrap.Percentile(sorted, 0.975));
    }
}

/// <summary>A number with its interval, and over how many pictures.</summary>
public sealed record Measured(string Name, double Value, ConfidenceInterval? Interval, int Count, double? Deviation = null);

/// <summary>Intervals for every metric: of a mean by the bootstrap over pictures; of a number of whole sets by halves.</summary>
public static class Resampling
{
    public const int Resamples = 1000, Halves = 20;

    /// <summary>Means over rows drawn with replacement; the same draws for every column, so that differences are paired.</summary>
    public static double[] Means(IReadOnlyList<double> scores, IReadOnlyList<IReadOnlyList<int>> draws) => [.. draws.Select(rows => rows.Average(row => scores[row]))];

    /// <summary>Rows drawn with replacement, <paramref name="resamples"/> times.</summary>
    public static IReadOnlyList<IReadOnlyList<int>> Draws(int rows, int resamples = Resamples, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, resamples).Select(_ => (IReadOnlyList<int>)[.. Enumerable.Range(0, rows).Select(_ => random.Next(rows))])];
    }

    /// <summary>The metric's numbers, the first of them with an interval.</summary>
    /// <remarks>
    /// Resampled with replacement a set has fewer different pictures, which raises FID: the value of the full sets can lie below its whole interval (spec metrics.md 7.12). So numbers of sets are taken over
    /// random halves (the delete-half jackknife, Shao and Wu 1989: their spread around their mean is the spread of the full sets' value), and laid around that value.
    /// </remarks>
    public static IReadOnlyList<Measured> Measure(IMetric metric, MetricData data, int pictures, int reference = 0, int seed = 1, int halves = Halves)
    {
        var figures = metric.Measure(data);
        ConfidenceInterval? interval = null;
        var enough = pictures / 2 >= Math.Max(metric.LeastPictures, 2) && (!metric.Inputs.HasFlag(MetricInputs.Reference) || reference < 2 || reference / 2 >= metric.LeastReference);
        if (metric.Units(data) is { } units) interval = units.Count > 1 ? ConfidenceInterval.Of(Means(units, Draws(units.Count, seed: seed))) : null;
        else if (halves > 1 && enough) interval = OfHalves(metric.OfHalves, data, figures[0].Value, pictures, reference, seed, halves);
        if (interval is { } wide) interval = new(Math.Max(wide.Low, metric.Range.Least), Math.Min(wide.High, metric.Range.Most));
        return [.. figures.Select((figure, i) => new Measured(figure.Name, figure.Value, i == 0 ? interval : null, pictures, figure.Deviation))];
    }

    /// <summary>The difference of two methods' scores over the same pictures or captions.</summary>
    public static PairedBootstrap Difference(IReadOnlyList<double> ours, IReadOnlyList<double> theirs, int seed = 1) => PairedBootstrap.Of(ours, theirs, seed: seed);

    /// <summary>The share of resamples in which the mean of <paramref name="ours"/> lies above that of <paramref name="theirs"/>.</summary>
    public static double ShareAbove(IReadOnlyList<double> ours, IReadOnlyList<double> theirs, IReadOnlyList<IReadOnlyList<int>> draws) =>
        draws.Count(rows => rows.Average(row => ours[row] - theirs[row]) > 0) / (double)draws.Count;

    private static ConfidenceInterval OfHalves(IMetric metric, MetricData data, double value, int pictures, int reference, int seed, int halves)
    {
        var random = new Random(seed);
        int[] Half(int count)
        {
            int[] order = [.. Enumerable.Range(0, count)];
            random.Shuffle(order);
            return order[..(count / 2)];
        }

        double[] values = [.. Enumerable.Range(0, halves).Select(_ => metric.Measure(data.Subset(Half(pictures), reference > 1 ? Half(reference) : null))[0].Value)];
        var mean = values.Average();
        return ConfidenceInterval.Of(values.Select(one => value + one - mean));
    }
}
