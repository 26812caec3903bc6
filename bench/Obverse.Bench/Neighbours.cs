using System.Diagnostics;
using System.Globalization;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>Searches among so many clustered rows of 512 numbers (24 directions and a little of each row's own), one query at a time: what building takes, queries a second, and how many of the ten nearest are found.</summary>
internal static class Neighbours
{
    private const int Width = 512, Queries = 100, K = 10;

    public static void Run(int count)
    {
        Runtime.Threads = 1;
        using var scope = new TensorScope();
        using var random = new Generator(9);
        var directions = random.Normal(24, Width);
        Tensor Rows(int n) => TensorScope.Of(() => (random.Normal(n, 24).Matmul(directions) + random.Normal(n, Width)).Normalized());
        var (rows, queries) = (Rows(count), Rows(Queries));
        var truth = Found((query, k) => Nearest.To(query, rows, k).Rows, queries, out var exact);
        Console.WriteLine($"{"kind",-14} {"effort",6} {"build s",8} {"queries/s",10} {"recall@10",10}");
        Tell("every row", 0, 0, exact, 1);
        foreach (var (kind, efforts) in new (string, int[])[] { ("Flat", [1]), ("IVF1024,Flat", [8, 32, 64, 128]), ("HNSW32", [32, 64, 128, 256]) })
        {
            using var index = new VectorIndex(Width, kind);
            var watch = Stopwatch.StartNew();
            index.Add(rows);
            var built = watch.Elapsed.TotalSeconds;
            foreach (var effort in efforts)
            {
                index.Effort = effort;
                var found = Found((query, k) => index.Search(query.Unsqueeze(0), k).Rows, queries, out var speed);
                Tell(kind, effort, built, speed, truth.Zip(found).Average(pair => pair.First.Intersect(pair.Second).Count() / (double)K));
            }
        }
    }

    private static void Tell(string kind, int effort, double built, double speed, double recall) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kind,-14} {effort,6} {built,8:0.0} {speed,10:0.0} {recall,10:0.000}"));

    private static long[][] Found(Func<Tensor, int, Tensor> search, Tensor queries, out double perSecond)
    {
        var watch = Stopwatch.StartNew();
        long[][] found = [.. Enumerable.Range(0, Queries).Select(i =>
        {
            using var scope = new TensorScope();
            return search(queries[i], K).Contiguous().ToArray<long>();
        })];
        perSecond = Queries / watch.Elapsed.TotalSeconds;
        return found;
    }
}
