using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>
/// The graph of an index's rows, cached beside it: NAME.usearch for the pictures, NAME.texts.usearch for the captions. A damaged one, and one of other rows or settings, is built anew.
/// </summary>
/// <remarks>USearch's own file; then SHA-256 of what it was built of (settings and rows), SHA-256 of the file, "OBVHNSW1".</remarks>
public static class HnswCache
{
    private const int Hash = SHA256.HashSizeInBytes, Tail = Hash + Hash + 8;

    private static ReadOnlySpan<byte> Mark => "OBVHNSW1"u8;

    public static string Of(string index, string side) => Path.ChangeExtension(index, side == "images" ? ".usearch" : $".{side}.usearch");

    /// <summary>Opens what is there, or builds it.</summary>
    /// <param name="path">Its file; null: in memory only.</param>
    /// <param name="rows">[n, d], of length 1, on the processor; they must outlive the search.</param>
    /// <param name="onNote">Called with a line on what takes long.</param>
    public static HnswSearch Open(string? path, Tensor rows, Action<string>? onNote = null)
    {
        var (built, equal) = (BuiltOf(rows), EqualRows.Of(rows));
        if (path is not null && File.Exists(path) && Cached(path, rows, equal, built, onNote) is { } cached) return new(rows, equal, cached);
        onNote?.Invoke($"building a graph of {equal.First.Length} rows{(path is null ? "" : $", once: it is cached in {path}")}");
        var (watch, noted) = (Stopwatch.StartNew(), 10.0);
        var made = HnswIndex.Of(rows, equal.First, onProgress: done =>
        {
            if (watch.Elapsed.TotalSeconds < noted) return;
            noted = watch.Elapsed.TotalSeconds + 10;
            onNote?.Invoke($"{done} of {equal.First.Length} rows");
        });
        try
        {
            if (path is not null) Save(path, made, built);
        }
        catch (Exception full) when (full is IOException or InvalidDataException)
        {
            onNote?.Invoke($"{full.Message}; the next search builds it again"); // a folder that cannot be written is no reason not to search
        }

        return new(rows, equal, made);
    }

    private static void Save(string path, HnswIndex graph, byte[] built)
    {
        using var bytes = graph.ToBytes();
        AtomicFile.Write(path, file =>
        {
            using var memory = Memory(bytes);
            memory.CopyTo(file);
            file.Write([.. built, .. HashOf(bytes), .. Mark]);
        });
    }

    private static HnswIndex? Cached(string path, Tensor rows, EqualRows equal, byte[] built, Action<string>? onNote)
    {
        var problem = "is damaged";
        try
        {
            using var file = File.OpenRead(path);
            var tail = new byte[Tail];
            file.Position = Math.Max(0, file.Length - Tail);
            file.ReadAtLeast(tail, Tail, throwOnEndOfStream: false);
            if (!tail.AsSpan(2 * Hash).SequenceEqual(Mark)) problem = "is no graph that was built here, or is cut short";
            else if (!tail.AsSpan(0, Hash).SequenceEqual(built)) problem = "is of other rows or settings";
            else if (Read(file, tail.AsSpan(Hash, Hash)) is { } bytes)
            {
                var graph = HnswIndex.Over(bytes, rows.Size(1), rows.Size(0));
                if (graph.Count == equal.First.Length) return graph;
                graph.Dispose();
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or NotSupportedException)
        {
            problem = $"cannot be read ({e.Message})";
        }

        onNote?.Invoke($"{path}: {problem}");
        return null;
    }

    // What stands before the tail; null where it is not what was written.
    private static Tensor? Read(FileStream file, ReadOnlySpan<byte> hash)
    {
        using var whole = Tensor.Empty([file.Length], DType.UInt8);
        using var memory = Memory(whole);
        file.Position = 0;
        file.CopyTo(memory);
        var bytes = TensorScope.Unscoped(() => whole.Narrow(0, 0, whole.Elements - Tail));
        if (hash.SequenceEqual(HashOf(bytes))) return bytes;
        bytes.Dispose();
        return null;
    }

    private static byte[] BuiltOf(Tensor rows)
    {
        using var plain = TensorScope.Of(() => rows.Detach().To(Device.Cpu, DType.Float32).Contiguous());
        var settings = new HnswSettings();
        return SHA256.HashData([.. Encoding.UTF8.GetBytes($"{settings.Connectivity} {settings.ExpansionAdd} bf16, equal rows once"), .. HashOf(plain)]);
    }

    private static byte[] HashOf(Tensor plain)
    {
        using var memory = Memory(plain);
        return SHA256.HashData(memory);
    }

    private static unsafe UnmanagedMemoryStream Memory(Tensor plain)
    {
        var length = plain.Elements * (plain.DType == DType.UInt8 ? 1 : sizeof(float));
        return new((byte*)plain.Data, length, length, FileAccess.ReadWrite);
    }
}
