using System.Diagnostics;
using System.Globalization;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>
/// Searches among so many clustered rows of 512 numbers (24 directions and a little of each row's own), one query at a time: every row, and graphs of several settings. What building takes on all cores and in
/// processor time, what a query takes in both, and how many of ten are as near as the ten nearest. Of fewer kinds of rows than rows: a graph of all, and one of each kind once.
/// </summary>
internal static class Neighbours
{
    private const int Width = 512, Queries = 200, K = 10;

    public static void Run(int count, int? kinds = null)
    {
        Runtime.Threads = Environment.ProcessorCount;
        using var scope = new TensorScope();
        using var random = new Generator(9);
        var directions = random.Normal(24, Width);
        Tensor Rows(int n) => TensorScope.Of(() => (random.Normal(n, 24).Matmul(directions) + random.Normal(n, Width)).Normalized());
        var (rows, queries) = (Rows(kinds ?? count), Rows(Queries));
        if (kinds is { } some) rows = rows.IndexSelect(0, (random.Uniform(0, 1, count) * some).Floor().To(DType.Int64));
        Console.WriteLine($"{count} rows of {Width}, {Queries} queries, {Runtime.Threads} threads");
        Console.WriteLine($"{"links",5} {"add",5} {"search",6} {"build s",8} {"cpu s",6} {"MB",6} {"open s",6} {"ms",8} {"cpu ms",8} {"recall@10",10}");
        var truth = Found(query => Nearest.To(query, rows, K), queries, out var exact);
        Tell("every row", exact, 1);
        var equal = EqualRows.Of(rows);
        if (kinds is not null)
        {
            Graph(rows, [.. Enumerable.Range(0, count).Select(row => (long)row)], new(), graph => query => Nearest.Among(query, rows, graph.Search(query, 2 * K), K));
            Graph(rows, equal.First, new(), graph => query => new HnswSearch(rows, equal, graph).To(query, K));
            return;
        }

        foreach (var settings in new HnswSettings[] { new(), new(16, 128) }) Graph(rows, equal.First, settings, graph => query => new HnswSearch(rows, equal, graph).To(query, K));

        void Graph(Tensor rows, long[] which, HnswSettings settings, Func<HnswIndex, Func<Tensor, (Tensor, Tensor)>> search)
        {
            var (watch, processor) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            using var graph = HnswIndex.Of(rows, which, settings);
            var (built, busy) = (watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds);
            var bytes = graph.ToBytes();
            var size = bytes.Elements / 1e6;
            watch.Restart();
            using (var again = HnswIndex.Over(bytes, Width, rows.Size(0))) watch.Stop();
            foreach (var expansion in new[] { 32, 64, 128, 256 })
            {
                graph.ExpansionSearch = expansion;
                var found = Found(search(graph), queries, out var took);
                var recall = truth.Zip(found).Average(pair => pair.Second.Count(score => score > pair.First[^1] - 1e-6) / (double)K);
                Tell(string.Create(CultureInfo.InvariantCulture, $"{settings.Connectivity,5} {settings.ExpansionAdd,5} {expansion,6} {built,8:0.0} {busy,6:0.0} {size,6:0} {watch.Elapsed.TotalSeconds,6:0.00}"), took, recall);
            }
        }
    }

    private static void Tell(string what, (double Wall, double Busy) took, double recall) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-48} {took.Wall,8:0.00} {took.Busy,8:0.00} {recall,10:0.000}"));

    // The scores of each query's ten.
    private static float[][] Found(Func<Tensor, (Tensor Scores, Tensor Rows)> search, Tensor queries, out (double Wall, double Busy) milliseconds)
    {
        search(queries.Narrow(0, 0, 1)); // the first call loads and compiles
        var (watch, processor) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        float[][] found = [.. Enumerable.Range(0, Queries).Select(i =>
        {
            using var scope = new TensorScope();
            return search(queries.Narrow(0, i, 1)).Scores.ToFloats();
        })];
        milliseconds = (watch.Elapsed.TotalMilliseconds / Queries, (Environment.CpuUsage.TotalTime - processor).TotalMilliseconds / Queries);
        return found;
    }
}
