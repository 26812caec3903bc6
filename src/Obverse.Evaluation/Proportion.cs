using System.Globalization;

namespace Obverse.Evaluation;

/// <summary>Intervals of shares of a count.</summary>
public static class Proportion
{
    /// <summary>"94 % [84, 98]", for tables.</summary>
    public static string Show(int right, int count) => Interval(right / (double)count, count) is var (low, high) ? string.Create(CultureInfo.InvariantCulture, $"{right / (double)count:P0} [{100 * low:F0}, {100 * high:F0}]") : "";

    /// <summary>Wilson's 95 % score interval (Wilson 1927) of a share of <paramref name="count"/> trials: it stays in 0 … 1, and is no point where all or none succeed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No trials, or a share outside 0 … 1.</exception>
    public static ConfidenceInterval Interval(double share, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        if (!(share is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(share), share, "a share from 0 to 1 was wanted");
        const double Z = 1.959963984540054; // 97.5th percentile of the normal distribution
        var centre = share + Z * Z / (2 * count);
        var half = Z * Math.Sqrt(share * (1 - share) / count + Z * Z / (4.0 * count * count));
        return new(Math.Max(0, (centre - half) / (1 + Z * Z / count)), Math.Min(1, (centre + half) / (1 + Z * Z / count)));
    }
}
