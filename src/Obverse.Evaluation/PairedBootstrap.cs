using System.Globalization;

namespace Obverse.Evaluation;

/// <summary>95 % bootstrap interval of a mean paired difference (Efron and Tibshirani 1993).</summary>
/// <param name="Mean">Of the differences.</param>
/// <param name="Low">2.5th percentile of the resampled means.</param>
/// <param name="High">97.5th percentile.</param>
public readonly record struct PairedBootstrap(double Mean, double Low, double High)
{
    /// <summary>Of <paramref name="ours"/> less <paramref name="theirs"/>, pair by pair.</summary>
    public static PairedBootstrap Of(IReadOnlyList<double> ours, IReadOnlyList<double> theirs, int resamples = 10_000, int seed = 1) => Of(ours, theirs, Drawn(ours.Count, resamples, seed));

    /// <summary>The same over given draws of the pairs.</summary>
    public static PairedBootstrap Of(IReadOnlyList<double> ours, IReadOnlyList<double> theirs, IEnumerable<IReadOnlyList<int>> draws)
    {
        if (ours.Count != theirs.Count || ours.Count == 0) throw new ArgumentException($"paired bootstrap: {ours.Count} and {theirs.Count} values were given; equally many, at least one, are wanted");
        double[] differences = [.. ours.Zip(theirs, (a, b) => a - b)];
        double[] means = [.. draws.Select(rows => rows.Average(row => differences[row])).Order()];
        return new(differences.Average(), Percentile(means, 0.025), Percentile(means, 0.975));
    }

    /// <summary>The ratio of two means over the same pairs, <paramref name="ours"/> over <paramref name="theirs"/>, pairs resampled together; a low end of -infinity or high end of infinity where the lower mean's sign is open.</summary>
    public static PairedBootstrap Ratio(IReadOnlyList<double> ours, IReadOnlyList<double> theirs, int resamples = 10_000, int seed = 1)
    {
        if (ours.Count != theirs.Count || ours.Count == 0) throw new ArgumentException($"paired bootstrap: {ours.Count} and {theirs.Count} values were given; equally many, at least one, are wanted");
        var random = new Random(seed);
        var ratios = new double[resamples];
        for (var r = 0; r < resamples; r++)
        {
            var (a, b) = (0.0, 0.0);
            for (var i = 0; i < ours.Count; i++)
            {
                var at = random.Next(ours.Count);
                a += ours[at];
                b += theirs[at];
            }

            ratios[r] = b > 0 ? a / b : a > 0 ? double.PositiveInfinity : double.NegativeInfinity;
        }

        Array.Sort(ratios);
        return new(ours.Average() / theirs.Average(), Percentile(ratios, 0.025), Percentile(ratios, 0.975));
    }

    /// <summary>"0.54 [0.48, 0.61]", each number in this format.</summary>
    public string Show(string format)
    {
        string Number(double value) => value.ToString(format, CultureInfo.InvariantCulture);
        return $"{Number(Mean)} [{Number(Low)}, {Number(High)}]";
    }

    // One array for all draws: they are read one after the other.
    private static IEnumerable<int[]> Drawn(int rows, int resamples, int seed)
    {
        var (random, draw) = (new Random(seed), new int[rows]);
        for (var r = 0; r < resamples; r++)
        {
            for (var i = 0; i < rows; i++) draw[i] = random.Next(rows);
            yield return draw;
        }
    }

    /// <summary>Of sorted values, between neighbours in proportion, as numpy's percentile has it.</summary>
    internal static double Percentile(IReadOnlyList<double> sorted, double part)
    {
        var at = part * (sorted.Count - 1);
        var low = (int)at;
        return low + 1 >= sorted.Count ? sorted[^1] : sorted[low] + (sorted[low + 1] - sorted[low]) * (at - low);
    }
}
