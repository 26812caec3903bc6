using System.Diagnostics;
using System.Globalization;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>
/// Searches among so many clustered rows of 512 numbers (24 directions and a little of each row's own), one query at a time: every row, and graphs of several settings. What building takes, what a query takes,
/// and how many of the ten nearest are found.
/// </summary>
internal static class Neighbours
{
    private const int Width = 512, Queries = 200, K = 10;

    public static void Run(int count)
    {
        Runtime.Threads = Environment.ProcessorCount;
        using var scope = new TensorScope();
        using var random = new Generator(9);
        var directions = random.Normal(24, Width);
        Tensor Rows(int n) => TensorScope.Of(() => (random.Normal(n, 24).Matmul(directions) + random.Normal(n, Width)).Normalized());
        var (rows, queries) = (Rows(count), Rows(Queries));
        var equal = EqualRows.Of(rows);
        Console.WriteLine($"{count} rows of {Width}, {Queries} queries, {Runtime.Threads} threads");
        Console.WriteLine($"{"links",5} {"add",5} {"search",6} {"build s",8} {"MB",6} {"ms",8} {"recall@10",10}");
        var truth = Found(query => Nearest.To(query, rows, K).Rows, queries, out var exact);
        Tell("every row", exact, 1);
        foreach (var settings in new HnswSettings[] { new(16, 128), new(32, 64), new(32, 128) })
        {
            var watch = Stopwatch.StartNew();
            var graph = HnswIndex.Of(rows, equal.First, settings);
            var built = watch.Elapsed.TotalSeconds;
            using var near = new HnswSearch(rows, equal, graph);
            using var bytes = graph.ToBytes();
            foreach (var search in new[] { 32, 64, 128, 256 })
            {
                graph.ExpansionSearch = search;
                var found = Found(query => near.To(query, K).Rows, queries, out var took);
                Tell(string.Create(CultureInfo.InvariantCulture, $"{settings.Connectivity,5} {settings.ExpansionAdd,5} {search,6} {built,8:0.0} {bytes.Elements / 1e6,6:0}"), took, truth.Zip(found).Average(pair => pair.First.Intersect(pair.Second).Count() / (double)K));
            }
        }
    }

    private static void Tell(string what, double milliseconds, double recall) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-34} {milliseconds,8:0.00} {recall,10:0.000}"));

    private static long[][] Found(Func<Tensor, Tensor> search, Tensor queries, out double milliseconds)
    {
        search(queries[..1]); // the first call loads and compiles
        var watch = Stopwatch.StartNew();
        long[][] found = [.. Enumerable.Range(0, Queries).Select(i =>
        {
            using var scope = new TensorScope();
            return search(queries.Narrow(0, i, 1)).Contiguous().ToArray<long>();
        })];
        milliseconds = watch.Elapsed.TotalMilliseconds / Queries;
        return found;
    }
}
