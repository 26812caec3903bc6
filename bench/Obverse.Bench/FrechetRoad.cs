using System.Diagnostics;
using Obverse.Evaluation;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>FID's linear algebra: the distance between two statistics of features, as `eval fid` takes it (exact), and by the libraries' roads. fid.py is pytorch-fid's with scipy.</summary>
internal static class FrechetRoad
{
    /// <summary>Writes two sets' statistics as pytorch-fid does: features like a network's, not negative, spread unevenly and correlated.</summary>
    public static void Write(int width, int rows, string folder)
    {
        Directory.CreateDirectory(folder);
        using var random = new Generator(1);
        using var scope = new TensorScope();
        var mix = random.Normal(width, width) / Math.Sqrt(width) * (-4 * Tensor.Arange(width).To(DType.Float32) / width).Exp();
        foreach (var (name, shift) in ((string, double)[])[("a", 0), ("b", 0.1)])
        {
            var sums = new FeatureSums(width);
            for (var at = 0; at < rows; at += 1000)
            {
                using var block = new TensorScope();
                sums.Add((random.Normal(Math.Min(1000, rows - at), width).Matmul(mix) + shift).ClampMin(0.0));
            }

            sums.Finish().Save(Path.Combine(folder, name + ".npz"));
        }
    }

    public static void Run(string folder, FrechetRoot root)
    {
        using var scope = new TensorScope();
        var (a, b) = (FeatureStatistics.Load(Path.Combine(folder, "a.npz")), FeatureStatistics.Load(Path.Combine(folder, "b.npz")));
        var watch = Stopwatch.StartNew();
        var distance = FrechetDistance.Between(a, b, root);
        Timing.Print("seconds", watch.Elapsed.TotalSeconds);
        Console.WriteLine(FormattableString.Invariant($"distance {distance:R}"));
    }
}
