namespace Obverse.Evaluation;

/// <summary>Spearman's rank correlation, ties by their mean rank, with its 95 % bootstrap interval.</summary>
/// <param name="Value">1: the same order; 0: none; -1: the opposite one. NaN where either number is the same for all.</param>
/// <param name="Low">2.5th percentile of the resampled values.</param>
/// <param name="High">97.5th percentile.</param>
public readonly record struct RankCorrelation(double Value, double Low, double High)
{
    public static RankCorrelation Of(IReadOnlyList<double> ours, IReadOnlyList<double> theirs, int resamples = 2_000, int seed = 1)
    {
        if (ours.Count != theirs.Count || ours.Count < 3) throw new ArgumentException($"rank correlation: {ours.Count} and {theirs.Count} values were given; equally many, at least three, are wanted");
        var random = new Random(seed);
        var values = new List<double>(resamples);
        var (a, b) = (new double[ours.Count], new double[ours.Count]);
        for (var r = 0; r < resamples; r++)
        {
            for (var i = 0; i < a.Length; i++)
            {
                var drawn = random.Next(a.Length);
                (a[i], b[i]) = (ours[drawn], theirs[drawn]);
            }

            var value = Spearman(a, b);
            if (!double.IsNaN(value)) values.Add(value); // a resample of one item only has no order
        }

        values.Sort();
        return values.Count == 0 ? new(double.NaN, double.NaN, double.NaN) : new(Spearman(ours, theirs), PairedBootstrap.Percentile(values, 0.025), PairedBootstrap.Percentile(values, 0.975));
    }

    /// <summary>Pearson's correlation of the ranks.</summary>
    public static double Spearman(IReadOnlyList<double> a, IReadOnlyList<double> b) => Pearson(Ranks(a), Ranks(b));

    /// <summary>Pearson's correlation of the values themselves.</summary>
    public static double Pearson(IReadOnlyList<double> a, IReadOnlyList<double> b)
    {
        var (meanA, meanB) = (a.Average(), b.Average());
        double both = 0, one = 0, other = 0;
        for (var i = 0; i < a.Count; i++)
        {
            both += (a[i] - meanA) * (b[i] - meanB);
            one += (a[i] - meanA) * (a[i] - meanA);
            other += (b[i] - meanB) * (b[i] - meanB);
        }

        return both / Math.Sqrt(one * other);
    }

    /// <summary>Kendall's tau-b: concordant less discordant pairs, by the pairs that are tied in neither.</summary>
    public static double Kendall(IReadOnlyList<double> a, IReadOnlyList<double> b)
    {
        long agreement = 0, untiedA = 0, untiedB = 0;
        for (var i = 0; i < a.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var (x, y) = (a[i].CompareTo(a[j]), b[i].CompareTo(b[j]));
                agreement += x * y;
                untiedA += x * x;
                untiedB += y * y;
            }
        }

        return agreement / Math.Sqrt((double)untiedA * untiedB);
    }

    // From 1; equal values share the mean of their places.
    private static double[] Ranks(IReadOnlyList<double> values)
    {
        int[] order = [.. Enumerable.Range(0, values.Count).OrderBy(i => values[i])];
        var ranks = new double[order.Length];
        for (int from = 0, to; from < order.Length; from = to)
        {
            for (to = from + 1; to < order.Length && values[order[to]] == values[order[from]];) to++;
            for (var i = from; i < to; i++) ranks[order[i]] = (from + 1 + to) / 2.0;
        }

        return ranks;
    }
}
