using System.Security.Cryptography;
using System.Text;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>
/// What a build has done since its index was last written, FILE.part: a batch is added to it as soon as it is embedded, so a build that is killed loses the one at hand and no other.
/// Each is followed by its SHA-256; what a kill left half-written is cut off.
/// </summary>
/// <remarks>"OBVINDX1"; the model's SHA-256 (64 letters); int32 length of its name, its name; then batches: int32 length, bytes, SHA-256 (32 bytes).</remarks>
internal sealed class IndexJournal : IDisposable
{
    private const int HashBytes = 32;
    private readonly FileStream file;

    private IndexJournal(FileStream file, string path) => (this.file, Path) = (file, path);

    public string Path { get; }

    public static string Of(string index) => index + ".part";

    /// <summary>Opens or begins it, and tells of every batch that is there.</summary>
    /// <exception cref="UsageException">Another model's.</exception>
    /// <exception cref="IOException">Another build has it open.</exception>
    public static IndexJournal Open(string index, string model, string sha256, Action<IndexBatch> there)
    {
        var path = Of(index);
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1 << 16);
        }
        catch (IOException taken) when (File.Exists(path))
        {
            throw new IOException($"{path}: another build is writing this index ({taken.Message})", taken);
        }

        try
        {
            var journal = new IndexJournal(file, path);
            journal.Begin(index, model, sha256);
            while (journal.Next() is { } bytes) there(IndexBatch.FromBytes(bytes));
            return journal;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Add(IndexBatch batch)
    {
        var bytes = batch.ToBytes();
        file.Write([.. BitConverter.GetBytes(bytes.Length), .. bytes, .. SHA256.HashData(bytes)]);
        file.Flush(); // to the system, which outlives the process; a power cut is what the SHA-256 is for
    }

    /// <summary>The index is written: nothing is left to be remembered.</summary>
    public void Finish()
    {
        file.Dispose();
        File.Delete(Path);
    }

    public void Dispose() => file.Dispose();

    private void Begin(string index, string model, string sha256)
    {
        byte[] name = Encoding.UTF8.GetBytes(model), header = [.. "OBVINDX1"u8, .. Encoding.ASCII.GetBytes(sha256), .. BitConverter.GetBytes(name.Length), .. name];
        var start = new byte[8 + sha256.Length + 4];
        var read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        if (read == start.Length)
        {
            if (!start.AsSpan(0, 8).SequenceEqual(header.AsSpan(0, 8))) throw new InvalidDataException($"{Path}: is in the way: no beginning of an index");
            var theirs = new byte[Math.Clamp(BitConverter.ToInt32(start, start.Length - 4), 0, 4096)];
            if (file.ReadAtLeast(theirs, theirs.Length, throwOnEndOfStream: false) == theirs.Length)
            {
                var sha = Encoding.ASCII.GetString(start, 8, sha256.Length);
                if (sha != sha256) throw new UsageException($"{index}: a build with {Encoding.UTF8.GetString(theirs)} (SHA-256 {sha[..12]}…) was stopped; this model is {model} ({sha256[..12]}…): go on with that one, or delete {Path}");
                return;
            }
        }

        // New, or killed in its first bytes.
        file.SetLength(0);
        file.Write(header);
        file.Flush();
    }

    // The next batch; null at the end, where what is not whole is cut off.
    private byte[]? Next()
    {
        var at = file.Position;
        var length = new byte[4];
        if (file.ReadAtLeast(length, 4, throwOnEndOfStream: false) == 4 && BitConverter.ToInt32(length) is >= 12 and var size && at + 4 + size + HashBytes <= file.Length)
        {
            var (bytes, hash) = (new byte[size], new byte[HashBytes]);
            file.ReadExactly(bytes);
            file.ReadExactly(hash);
            if (hash.AsSpan().SequenceEqual(SHA256.HashData(bytes))) return bytes;
        }

        file.SetLength(at);
        file.Position = at;
        return null;
    }
}
