using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>Features of one network, cached by the hash of the picture's bytes (or of a text): a row is computed once, whatever ended the run before it, and no set needs to lie in memory.</summary>
public sealed class FeatureStore : IDisposable
{
    private static readonly DatabaseKind kind = new("OBVF", 1, "create table features(hash blob primary key, row blob not null) without rowid; create table about(key text not null, width integer not null)");

    private readonly Database database;
    private readonly ScratchFolder? scratch;

    /// <param name="folder">Where its file is, one per network; null: a temporary one.</param>
    /// <param name="key"><see cref="FeatureNetwork.Key"/>, and what else rows depend on.</param>
    /// <param name="width">Numbers a row.</param>
    /// <param name="shard">Writes a file of its own, I of N; a store of the whole takes up all that lie beside it, wherever they were made.</param>
    public FeatureStore(string? folder, string key, int width, (int Index, int Of)? shard = null)
    {
        Width = width;
        scratch = folder is null ? new() : null;
        Directory.CreateDirectory(folder ??= scratch!.Path);
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..16];
        var part = shard is { Of: > 1 } of ? string.Create(CultureInfo.InvariantCulture, $".{of.Index}-of-{of.Of}") : "";
        database = Database.Open(System.IO.Path.Combine(folder, $"{name}{part}.features"), kind);
        database.InTransaction(() =>
        {
            if (database.Read("select key from about", row => row.GetString(0)).Count == 0) database.Run("insert into about values($1, $2)", key, width);
        });
        if (part.Length == 0) foreach (var one in Directory.EnumerateFiles(folder, $"{name}.*-of-*.features").Order(StringComparer.Ordinal)) Take(one);
    }

    // The rows of a shard's file that are not here yet.
    private void Take(string shard)
    {
        using (Database.Open(shard, kind)) { } // says by its own name what is wrong with it, and undoes what a kill left half done
        database.Run("attach $1 as shard", System.IO.Path.GetFullPath(shard));
        database.InTransaction(() => database.Run("insert into features select hash, row from shard.features where hash not in (select hash from main.features)"));
        database.Run("detach shard");
    }

    /// <summary>Of the user: $XDG_CACHE_HOME/obverse/features, or ~/.cache/obverse/features.</summary>
    public static string Folder => System.IO.Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache : System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "obverse", "features");

    public int Width { get; }

    public string Path => database.Path;

    public bool Has(byte[] hash) => database.Read("select 1 from features where hash = $1", row => 0, hash).Count > 0;

    /// <summary>All of these rows, [n, width], or none.</summary>
    public void Add(IReadOnlyList<byte[]> hashes, Tensor rows)
    {
        var (values, bytes) = (rows.ToFloats(), Width * sizeof(float));
        if (values.Length != hashes.Count * Width) throw new ArgumentException($"{hashes.Count} hashes and rows [{string.Join(", ", rows.Shape)}] were given; as many rows of {Width} are wanted");
        database.InTransaction(() =>
        {
            for (var i = 0; i < hashes.Count; i++) database.Run("insert or replace into features values($1, $2)", hashes[i], MemoryMarshal.AsBytes<float>(values).Slice(i * bytes, bytes).ToArray());
        });
    }

    /// <summary>The rows of these hashes, in that order, read when they are asked for.</summary>
    public FeatureRows Rows(IReadOnlyList<byte[]> hashes) => new Stored(this, hashes);

    public void Dispose()
    {
        database.Dispose();
        scratch?.Dispose();
    }

    private sealed class Stored(FeatureStore store, IReadOnlyList<byte[]> hashes) : FeatureRows
    {
        public override int Count => hashes.Count;
        public override int Width => store.Width;

        public override Tensor Read(ReadOnlySpan<int> rows)
        {
            var values = new float[rows.Length * Width];
            for (var i = 0; i < rows.Length; i++)
            {
                if (store.database.Read("select row from features where hash = $1", row => (byte[])row.GetValue(0), hashes[rows[i]]) is not [var bytes]) throw new InvalidDataException($"{store.Path}: a row that was written is gone");
                if (bytes.Length != Width * sizeof(float)) throw new InvalidDataException($"{store.Path}: a row of {bytes.Length} bytes; {Width * sizeof(float)} are wanted");
                MemoryMarshal.Cast<byte, float>(bytes).CopyTo(values.AsSpan(i * Width));
            }

            return Tensor.From(values, rows.Length, Width);
        }
    }
}
