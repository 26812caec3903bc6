using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>How several reference pictures become one prompt, which the paper leaves open.</summary>
public enum ReferenceShare
{
    /// <summary>Every row holds their weighted mean on the sphere.</summary>
    Mean,

    /// <summary>The rows are shared out among them by weight: cross-attention chooses, place by place.</summary>
    Rows,
}

/// <summary>Means and shares of embeddings.</summary>
public static class ReferenceMeans
{
    /// <summary>The weighted Karcher mean of unit vectors: the point of the sphere with the least sum of weighted squared angles. Of two it lies on the arc between them (slerp). [n, D] to [1, D].</summary>
    /// <exception cref="ArgumentException">All weights are 0, or the vectors lie opposite each other, so that every point between is as good.</exception>
    public static Tensor OnSphere(Tensor vectors, ReadOnlySpan<double> weights)
    {
        var column = Tensor.From(Shares(weights), vectors.Size(0), 1).To(DType.Float64).To(vectors.Device);
        var unit = vectors.To(DType.Float64).Normalized();
        var chord = (unit * column).Sum(0, keep: true);
        if (chord.Norm().Item() < 1e-6) throw new ArgumentException("the reference pictures' embeddings lie opposite each other: they have no mean on the sphere");
        var mean = chord.Normalized();
        for (var i = 0; i < 100; i++)
        {
            // Tangents at the mean, each as long as the angle to its vector.
            var cosines = (unit * mean).Sum(1, keep: true).Clamp(-1, 1);
            var across = unit - mean * cosines;
            var lengths = across.Norm(1, keep: true);
            var step = (across / (lengths + 1e-12) * Angles(cosines, lengths) * column).Sum(0, keep: true);
            var length = step.Norm().Item();
            if (length < 1e-9) break;
            mean = (mean * Math.Cos(length) + step * (Math.Sin(length) / length)).Normalized();
        }

        return mean.To(DType.Float32);
    }

    /// <summary>How many of a prompt's rows each gets: in proportion to the weights, the rest to the largest remainders.</summary>
    public static int[] Rows(int rows, ReadOnlySpan<double> weights)
    {
        double[] exact = [.. Shares(weights).Select(share => share * rows)];
        int[] found = [.. exact.Select(share => (int)Math.Floor(share + 1e-9))];
        foreach (var at in Enumerable.Range(0, exact.Length).OrderByDescending(i => exact[i] - found[i]).Take(rows - found.Sum()).ToArray()) found[at]++;
        return found;
    }

    private static double[] Shares(ReadOnlySpan<double> weights)
    {
        var all = weights.ToArray();
        if (all.Any(weight => !double.IsFinite(weight) || weight < 0) || all.Sum() is var sum && sum <= 0) throw new ArgumentException($"weights of reference pictures are {string.Join(", ", all)}; numbers from 0, one above 0, were wanted");
        return [.. all.Select(weight => weight / sum)];
    }

    // atan2 of sine and cosine, which is exact for small and for large angles alike.
    private static Tensor Angles(Tensor cosines, Tensor sines)
    {
        var (c, s) = (cosines.ToArray<double>(), sines.ToArray<double>());
        return Tensor.From([.. c.Select((cosine, i) => Math.Atan2(s[i], cosine))], cosines.Shape).To(cosines.Device);
    }
}
