using System.Diagnostics;
using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>Features of many pictures and their statistics: pictures a second, and the most memory that the process held. Nothing is cached before.</summary>
internal static class Streaming
{
    /// <summary>Pictures of 128 px, all different: smooth colours and a little noise, as photographs pack.</summary>
    public static void Write(int count, string folder)
    {
        const int side = 128;
        Directory.CreateDirectory(folder);
        for (var n = 0; n < count; n++)
        {
            var random = new Random(n);
            var (waves, rgb) = (Enumerable.Range(0, 9).Select(_ => random.NextDouble() * 0.15).ToArray(), new byte[side * side * 3]);
            for (var i = 0; i < rgb.Length; i++) rgb[i] = (byte)(128 + 100 * Math.Sin(waves[i % 3] * (i / 3 % side) + waves[3 + i % 3] * (i / 3 / side) + 40 * waves[6 + i % 3]) + random.Next(-8, 9));
            new Picture(side, side, rgb).Save(Path.Combine(folder, FormattableString.Invariant($"{n:00000}.png")));
        }
    }

    public static void Run(string folder, int count, int threads)
    {
        Runtime.Threads = threads;
        using var network = FeatureNetwork.Load("pocket-judge", pooled: true);
        using var extraction = new FeatureExtraction(network, cache: null);
        using var all = PictureSource.Open(folder);
        var some = all.Choose([.. Enumerable.Range(0, count)]);
        var watch = Stopwatch.StartNew();
        var found = extraction.Of(some, onProgress: (done, _) =>
        {
            if (done % (done < 3000 ? 250 : 1000) == 0) Console.Error.WriteLine(FormattableString.Invariant($"{done}: resident {Timing.ResidentMegabytes():F0} MB (of files {Timing.FileMegabytes():F0}), peak {Timing.PeakMegabytes():F0}, managed {GC.GetTotalMemory(false) / 1e6:F0}, committed {GC.GetGCMemoryInfo().TotalCommittedBytes / 1e6:F0}, collections {GC.CollectionCount(0)} {GC.CollectionCount(1)} {GC.CollectionCount(2)}"));
        });
        Timing.Print("pictures_per_second", count / watch.Elapsed.TotalSeconds);
        watch.Restart();
        using var scope = new TensorScope();
        var statistics = FeatureStatistics.Of(found.Rows);
        Timing.Print("statistics_seconds", watch.Elapsed.TotalSeconds);
        Timing.Print("peak_mb", Timing.PeakMegabytes());
        Timing.Print("trace", statistics.Covariance.Diagonal().Sum().Item());
    }
}
