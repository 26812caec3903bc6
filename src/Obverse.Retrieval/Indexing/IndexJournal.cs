using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Obverse.Files;

namespace Obverse.Retrieval;

/// <summary>What a build has done since its index was last written, in the database FILE.part: a batch is in it as soon as it is embedded, so a build that is killed loses the one at hand and no other.</summary>
internal sealed class IndexJournal : IDisposable
{
    private static readonly DatabaseKind kind = new("OBVI", 1,
        """
        create table model (name text not null, sha256 text not null);
        create table pictures (sha256 text primary key, embedding blob not null, thumbnail blob not null);
        create table captions (text text primary key, embedding blob not null);
        create table rows (caption text not null, path text not null, sha256 text not null)
        """);

    private readonly Database database;

    private IndexJournal(Database database) => this.database = database;

    /// <summary>Opens or starts it.</summary>
    /// <exception cref="ArgumentException">Another model's.</exception>
    /// <exception cref="IOException">Another build has it open.</exception>
    public static IndexJournal Open(string index, string model, string sha256, Action<string> onNote)
    {
        var path = index + ".part";
        Database database;
        try
        {
            database = Database.Open(path, kind, exclusive: true);
        }
        catch (InvalidDataException) when (IsOfBefore(path))
        {
            onNote($"{path}: is of an older version and is not read; the build starts anew");
            Database.Delete(path);
            database = Database.Open(path, kind, exclusive: true);
        }

        try
        {
            var models = database.Read("select name, sha256 from model", row => (Name: row.GetString(0), Sha256: row.GetString(1)));
            if (models.Count == 0) database.Run("insert into model values ($1, $2)", model, sha256);
            else if (models[0].Sha256 != sha256) throw new ArgumentException($"{index}: a build with {models[0].Name} (SHA-256 {models[0].Sha256[..12]}…) was stopped; this model is {model} ({sha256[..12]}…): go on with that one, or delete {path}");
            return new(database);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>All that is in it.</summary>
    public IndexBatch Read() => new(
        database.Read("select sha256, embedding, thumbnail from pictures order by rowid", row => new EmbeddedPicture(row.GetString(0), Floats(row, 1), (byte[])row[2])),
        database.Read("select text, embedding from captions order by rowid", row => new EmbeddedCaption(row.GetString(0), Floats(row, 1))),
        database.Read("select caption, path, sha256 from rows order by rowid", row => new IndexedPicture(row.GetString(0), row.GetString(1), row.GetString(2))));

    public void Add(IndexBatch batch) => database.InTransaction(() =>
    {
        foreach (var (sha256, embedding, thumbnail) in batch.Pictures) database.Run("insert into pictures values ($1, $2, $3)", sha256, Bytes(embedding), thumbnail);
        foreach (var (text, embedding) in batch.Captions) database.Run("insert into captions values ($1, $2)", text, Bytes(embedding));
        foreach (var (caption, path, sha256) in batch.Rows) database.Run("insert into rows values ($1, $2, $3)", caption, path.Length == 0 ? path : Path.GetFullPath(path), sha256); // the build may go on in another working folder
    });

    /// <summary>The index is written: takes the file away.</summary>
    public void Finish() => database.Delete();

    public void Dispose() => database.Dispose();

    // Up to 0.1.0 a file of its own format.
    private static bool IsOfBefore(string path)
    {
        var start = new byte[8];
        using var file = File.OpenRead(path);
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.AsSpan().SequenceEqual("OBVINDX1"u8);
    }

    private static byte[] Bytes(float[] numbers) => MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray();

    private static float[] Floats(SqliteDataReader row, int column) => MemoryMarshal.Cast<byte, float>((byte[])row[column]).ToArray();
}
