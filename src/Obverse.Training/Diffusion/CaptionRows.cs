using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>The rows that a text tower gives for each of many captions, computed once: fp16, in part files that appear whole, so that a killed run goes on where it was.</summary>
internal sealed class CaptionRows : IDisposable
{
    private const int PartSize = 512;
    private readonly Tensor rows;

    private CaptionRows(Tensor rows) => this.rows = rows;

    /// <summary>[indices, rows, width], float32.</summary>
    public Tensor Take(ReadOnlySpan<long> indices) => rows.IndexSelect(0, Tensor.From(indices)).To(DType.Float32);

    /// <summary>Numbers a row.</summary>
    public long Width => rows.Size(2);

    /// <summary>Computes what is missing in <paramref name="directory"/>; parts of other captions, or of another text encoder, are made anew.</summary>
    /// <param name="directory">Where the parts are.</param>
    /// <param name="captions">All different.</param>
    /// <param name="clip">Whose text tower gives the rows.</param>
    /// <param name="count">Rows of each: what comes later cannot reach earlier rows, so fewer are the first of all.</param>
    /// <returns>Null where it was stopped.</returns>
    public static CaptionRows? Build(string directory, IReadOnlyList<string> captions, ClipModel clip, int count, Action<WorkProgress>? progress = null, CancellationToken cancel = default)
    {
        Directory.CreateDirectory(directory);
        var list = Path.Combine(directory, "captions.json");
        var text = JsonSerializer.Serialize(captions.Prepend($"{count} rows of the text encoder {Fingerprint(clip)}"));
        if (!File.Exists(list) || File.ReadAllText(list) != text)
        {
            foreach (var stale in Directory.EnumerateFiles(directory, "part-*.safetensors")) File.Delete(stale);
            AtomicFile.WriteText(list, text);
        }

        var watch = System.Diagnostics.Stopwatch.StartNew();
        var (parts, made) = ((captions.Count + PartSize - 1) / PartSize, 0);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        List<Tensor> all = [];
        for (var p = 0; p < parts; p++)
        {
            var path = Path.Combine(directory, $"part-{p:D5}.safetensors");
            if (!File.Exists(path))
            {
                string[] some = [.. captions.Skip(p * PartSize).Take(PartSize)];
                List<Tensor> rows = [];
                foreach (var chunk in some.Chunk(32))
                {
                    if (cancel.IsCancellationRequested) return null;
                    rows.Add(TensorScope.Of(() => clip.Text.Hidden(Tensor.From([.. chunk.SelectMany(one => clip.Tokenizer!.EncodeRow(one, count)).Select(id => (long)id)], chunk.Length, count)).To(DType.Float16)));
                }

                using (new TensorScope()) Safetensors.Save(path, [new("rows", Tensor.Cat(rows))]);
                foreach (var row in rows) row.Dispose();
                made++;
                progress?.Invoke(new(p + 1, parts, watch.Elapsed, watch.Elapsed / made * (parts - p - 1), $"text rows of {captions.Count:N0} captions"));
            }

            using var file = Safetensors.Open(path);
            all.Add(file["rows"]);
        }

        return new(Tensor.Owned(() => Tensor.Cat(all)));
    }

    // A text encoder that was tuned since, or whose tokenizer takes plurals otherwise, gives other rows: what it says of one sentence tells it apart.
    internal static string Fingerprint(ClipModel clip)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        var floats = clip.Text.Hidden(Tensor.From([.. clip.Tokenizer!.EncodeRow("a photo of ants and castles", 16).Select(id => (long)id)], 1, 16)).To(DType.Float16).To(DType.Float32).ToFloats();
        return Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(floats.AsSpan())))[..16];
    }

    public void Dispose() => rows.Dispose();
}
