using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>Cosines between embeddings, in float64.</summary>
public static class Cosines
{
    /// <summary>Of each row of one with the same row of the other.</summary>
    public static double[] OfPairs(FeatureRows a, FeatureRows b)
    {
        if (a.Count != b.Count || a.Width != b.Width || a.Count == 0) throw new ArgumentException($"cosines of pairs: {a.Count} rows of {a.Width} and {b.Count} of {b.Width} were given; equally many of one width, at least one, are wanted");
        var cosines = new double[a.Count];
        a.Blocks((x, at) =>
        {
            var y = b.Read([.. Enumerable.Range(at, (int)x.Size(0))]);
            (Unit(x) * Unit(y)).Sum(1).ToArray<double>().CopyTo(cosines, at);
        });
        return cosines;
    }

    /// <summary>Of all pairs: [n, m].</summary>
    public static Tensor OfAll(Tensor a, Tensor b) => Unit(a).Matmul(Unit(b).T());

    private static Tensor Unit(Tensor rows) => rows.Detach().To(DType.Float64).Normalized(epsilon: 1e-300);
}
