using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Obverse.Torch;

namespace Obverse;

/// <summary>
/// What FAISS built of an index's rows, kept beside it: NAME.faiss for the pictures, NAME.texts.faiss for the captions. Which rows they were stands at the file's end
/// (FAISS reads what it wrote and no further), and of other rows it is built anew.
/// </summary>
/// <remarks>FAISS's own bytes; then the kind (UTF-8), its length (int32), SHA-256 of the rows (32 bytes), "OBVFAISS".</remarks>
public static class VectorCache
{
    public const string Default = "HNSW32";

    private const int Tail = 4 + 32 + 8, Block = 8192;

    public static string Of(string index, string side) => Path.ChangeExtension(index, side == "images" ? ".faiss" : $".{side}.faiss");

    /// <summary>Opens what is there, or builds it.</summary>
    /// <param name="path">Where it is kept; null keeps it in memory.</param>
    /// <param name="kind">FAISS's words; null takes any kind that is there.</param>
    /// <param name="rows">[n, d], on the processor.</param>
    /// <param name="note">Is told what takes long.</param>
    public static VectorIndex Open(string? path, string? kind, Tensor rows, Action<string>? note = null)
    {
        var hash = HashOf(rows);
        if (path is not null && File.Exists(path) && Kept(path, kind, rows, hash, note) is { } kept) return kept;
        kind ??= Default;
        note?.Invoke($"building {kind} of {rows.Size(0)} rows{(path is null ? "" : $", once: it is kept in {path}")}");
        var made = Built(kind, rows, note);
        try
        {
            if (path is not null) made.Save(path, [.. Encoding.UTF8.GetBytes(kind), .. BitConverter.GetBytes(Encoding.UTF8.GetByteCount(kind)), .. hash, .. "OBVFAISS"u8]);
        }
        catch (IOException full)
        {
            note?.Invoke($"{full.Message}; the next search builds it again"); // a folder that cannot be written is no reason not to search
        }

        return Tuned(made, kind);
    }

    /// <summary>The kind that a cache is of, and the rows' SHA-256; null where the file is something else.</summary>
    public static (string Kind, byte[] Sha256)? Describe(string path)
    {
        using var file = File.OpenRead(path);
        var tail = new byte[Tail];
        if (file.Length < Tail) return null;
        file.Position = file.Length - Tail;
        file.ReadExactly(tail);
        var length = BinaryPrimitives.ReadInt32LittleEndian(tail);
        if (!tail.AsSpan(36).SequenceEqual("OBVFAISS"u8) || length is < 1 or > 4096 || file.Length < Tail + length) return null;
        var kind = new byte[length];
        file.Position = file.Length - Tail - length;
        file.ReadExactly(kind);
        return (Encoding.UTF8.GetString(kind), tail[4..36]);
    }

    private static VectorIndex? Kept(string path, string? kind, Tensor rows, byte[] hash, Action<string>? note)
    {
        var problem = "is of other rows";
        try
        {
            if (Describe(path) is not { } what) problem = "is no index of FAISS that was built here";
            else if (kind is not null && what.Kind != kind) problem = $"is {what.Kind}";
            else if (what.Sha256.AsSpan().SequenceEqual(hash))
            {
                var opened = VectorIndex.Open(path);
                if (opened.Count == rows.Size(0) && opened.Dimension == rows.Size(1)) return Tuned(opened, what.Kind);
                opened.Dispose();
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            problem = $"cannot be read ({e.Message})";
        }

        note?.Invoke($"{path}: {problem}");
        return null;
    }

    private static VectorIndex Built(string kind, Tensor rows, Action<string>? note)
    {
        var made = new VectorIndex((int)rows.Size(1), kind);
        try
        {
            // A graph takes rows as they come, and long; lists are trained on all they get first.
            var (watch, told, n, block) = (Stopwatch.StartNew(), 10.0, rows.Size(0), kind.StartsWith("HNSW", StringComparison.Ordinal) ? Block : rows.Size(0));
            for (var at = 0L; at < n; at += block)
            {
                using var scope = new TensorScope();
                made.Add(rows.Narrow(0, at, Math.Min(block, n - at)));
                if (watch.Elapsed.TotalSeconds < told) continue;
                told = watch.Elapsed.TotalSeconds + 10;
                note?.Invoke($"{Math.Min(at + block, n)} of {n} rows");
            }

            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    // Measured on 50,000 clustered rows (docs/index.md): a graph finds nearly all at 128; of lists a sixteenth is looked through.
    private static VectorIndex Tuned(VectorIndex index, string kind)
    {
        if (kind.StartsWith("HNSW", StringComparison.Ordinal)) index.Effort = 128;
        else if (kind.StartsWith("IVF", StringComparison.Ordinal) && int.TryParse(kind.AsSpan(3, kind.AsSpan(3).IndexOfAnyExceptInRange('0', '9') is var end && end < 0 ? kind.Length - 3 : end), out var lists)) index.Effort = Math.Max(1, lists / 16);
        return index;
    }

    private static byte[] HashOf(Tensor rows)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var at = 0L; at < rows.Size(0); at += Block)
        {
            using var scope = new TensorScope();
            hash.AppendData(MemoryMarshal.AsBytes<float>(rows.Narrow(0, at, Math.Min(Block, rows.Size(0) - at)).ToFloats()));
        }

        return hash.GetHashAndReset();
    }
}
