using System.Collections.Concurrent;
using System.Text.Json;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>How far a long piece of work is.</summary>
public sealed record WorkProgress(long Done, long Total, TimeSpan Elapsed, TimeSpan? Left, string Text);

/// <summary>
/// Pooled features of a frozen image tower over many views, computed once: fp16, 2.5 KB a view, in part files of <see cref="PartSize"/>
/// that appear whole, so that a killed run goes on where it was.
/// </summary>
public sealed class FeatureCache : IDisposable
{
    public const int PartSize = 1024;
    private static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    private FeatureCache(Tensor features, ViewRow[] rows) => (Features, Rows) = (features, rows);

    /// <summary>[views, channels], float16.</summary>
    public Tensor Features { get; }

    /// <summary>What each row of <see cref="Features"/> shows.</summary>
    public IReadOnlyList<ViewRow> Rows { get; }

    /// <summary>Rows by number as float32: [indices, channels].</summary>
    public Tensor Take(ReadOnlySpan<long> indices) => Features.IndexSelect(0, Tensor.From(indices)).To(DType.Float32);

    /// <summary>Computes the parts that are missing. One thread renders bytes while another runs the tower.</summary>
    /// <param name="directory">Where the parts are.</param>
    /// <param name="views">What to look at.</param>
    /// <param name="tower">[n, 3, side, side] in 0 … 1 to [n, channels]; called inside a <see cref="TensorScope"/> and without gradients.</param>
    /// <param name="sides">Sides in pixels, one for each part in turn: {128, 128, 160} shows every third part larger.</param>
    /// <param name="batch">Pictures at once.</param>
    /// <param name="progress">Called after every part.</param>
    /// <param name="cancel">Stops after the batch at hand; finished parts stay.</param>
    public static void Build(string directory, PictureViews views, Func<Tensor, Tensor> tower, IReadOnlyList<int> sides, int batch = 32, Action<WorkProgress>? progress = null, CancellationToken cancel = default)
    {
        Directory.CreateDirectory(directory);
        var parts = (views.Count + PartSize - 1) / PartSize;
        int[] missing = [.. Enumerable.Range(0, parts).Where(part => !File.Exists(FeaturesOf(directory, part)))];
        var watch = System.Diagnostics.Stopwatch.StartNew();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var ready = new BlockingCollection<(int Part, byte[][] Pictures, ViewRow[] Rows)>(8);
        var renderer = Task.Run(() =>
        {
            try
            {
                foreach (var part in missing)
                {
                    var side = sides[part % sides.Count];
                    for (var at = part * PartSize; at < Math.Min(views.Count, (part + 1) * PartSize); at += batch)
                    {
                        var rendered = Enumerable.Range(at, Math.Min(batch, Math.Min(views.Count, (part + 1) * PartSize) - at)).Select(i => views.Render(i, side)).ToArray();
                        ready.Add((part, [.. rendered.Select(r => r.Rgb)], [.. rendered.Select(r => r.Row)]), stop.Token);
                    }
                }
            }
            finally { ready.CompleteAdding(); }
        }, stop.Token);

        try
        {
            var done = 0;
            foreach (var part in missing)
            {
                var side = sides[part % sides.Count];
                var wanted = Math.Min(views.Count - part * PartSize, PartSize);
                List<ViewRow> rows = new(wanted);
                using var scope = new TensorScope();
                List<Tensor> features = [];
                while (rows.Count < wanted)
                {
                    if (!ready.TryTake(out var item, Timeout.Infinite, cancel)) break;
                    rows.AddRange(item.Rows);
                    features.Add(TensorScope.Of(() => PictureBatches.Run(item.Pictures, side, tower, batch).To(DType.Float16)));
                }

                if (rows.Count < wanted) break; // the renderer failed; its error is thrown below
                AtomicFile.WriteText(RowsOf(directory, part), string.Concat(rows.Select(row => JsonSerializer.Serialize(row, json) + "\n")));
                Safetensors.Save(FeaturesOf(directory, part), [new("features", Tensor.Cat(features))]);
                done++;
                progress?.Invoke(new(done, missing.Length, watch.Elapsed, watch.Elapsed / done * (missing.Length - done), $"{done * (double)PartSize / watch.Elapsed.TotalSeconds:F0} views/s"));
            }

            renderer.GetAwaiter().GetResult();
        }
        finally
        {
            stop.Cancel();
            try { renderer.Wait(CancellationToken.None); }
            catch (AggregateException) { } // thrown above already, or cancelled
        }
    }

    /// <summary>All finished parts, in order; training may start before the last is there.</summary>
    public static FeatureCache Open(string directory)
    {
        using var scope = new TensorScope();
        List<Tensor> features = [];
        List<ViewRow> rows = [];
        var files = Directory.Exists(directory) ? Directory.EnumerateFiles(directory, "part-*.safetensors").Order(StringComparer.Ordinal).ToArray() : [];
        if (files.Length == 0) throw new FileNotFoundException($"No features in '{directory}': wanted part-….safetensors.");
        foreach (var path in files)
        {
            using var file = Safetensors.Open(path);
            features.Add(file["features"]);
            rows.AddRange(File.ReadLines(Path.ChangeExtension(path, ".jsonl")).Select(line => JsonSerializer.Deserialize<ViewRow>(line, json)!));
        }

        return new(scope.Keep(Tensor.Cat(features)), [.. rows]);
    }

    public void Dispose() => Features.Dispose();

    private static string FeaturesOf(string directory, int part) => Path.Combine(directory, $"part-{part:D5}.safetensors");

    private static string RowsOf(string directory, int part) => Path.Combine(directory, $"part-{part:D5}.jsonl");
}
