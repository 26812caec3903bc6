using Microsoft.Data.Sqlite;

namespace Obverse.Files;

/// <summary>What a database file holds: four letters that only this kind has, the version of its tables, and the SQL that makes them.</summary>
public sealed record DatabaseKind(string Letters, int Version, string Tables)
{
    internal int Number => Letters.Aggregate(0, (number, letter) => (number << 8) | letter);
}

/// <summary>A SQLite file that long work writes its results to: a transaction is in it whole or not at all, whatever ended the process or the power.</summary>
/// <remarks>
/// A rollback journal and not a write-ahead log: between transactions, a kill included, FILE alone holds everything, and can be copied or moved. FILE-journal lies beside it while it is open; where a kill
/// left that behind, the next opening undoes the transaction it belonged to.
/// </remarks>
public sealed class Database : IDisposable
{
    private readonly SqliteConnection connection;

    private Database(string path, SqliteConnection connection) => (Path, this.connection) = (path, connection);

    public string Path { get; }

    /// <summary>Opens a file, or makes it. <paramref name="exclusive"/>: no other process opens it meanwhile, not even to read.</summary>
    /// <exception cref="InvalidDataException">Damaged, or something else.</exception>
    /// <exception cref="IOException">In use, or not to be written.</exception>
    public static Database Open(string path, DatabaseKind kind, bool exclusive = false)
    {
        if (System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder)) throw new IOException($"{path}: there is no folder {folder}");
        // Pooled connections would hold the file after Dispose.
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = System.IO.Path.GetFullPath(path), Pooling = false, DefaultTimeout = exclusive ? 1 : 30 }.ToString());
        var opened = new Database(path, connection);
        try
        {
            opened.Try(connection.Open);
            opened.Run($"pragma locking_mode={(exclusive ? "exclusive" : "normal")}; pragma journal_mode=delete; pragma synchronous=full");
            opened.InTransaction(() => opened.Prepare(kind));
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Runs a statement; <paramref name="values"/> are $1, $2 ….</summary>
    public int Run(string sql, params ReadOnlySpan<object> values)
    {
        using var command = Command(sql, values);
        return Try(command.ExecuteNonQuery);
    }

    /// <summary>All rows of a query; <paramref name="values"/> are $1, $2 ….</summary>
    public IReadOnlyList<T> Read<T>(string sql, Func<SqliteDataReader, T> row, params ReadOnlySpan<object> values)
    {
        using var command = Command(sql, values);
        return Try(() =>
        {
            var rows = new List<T>();
            using var reader = command.ExecuteReader();
            while (reader.Read()) rows.Add(row(reader));
            return rows;
        });
    }

    /// <summary>All that <paramref name="work"/> writes, or nothing of it.</summary>
    public void InTransaction(Action work)
    {
        using var transaction = Try(() => connection.BeginTransaction(deferred: false));
        work();
        Try(transaction.Commit);
    }

    /// <summary>Closes it and takes the file away.</summary>
    public void Delete()
    {
        Dispose();
        Delete(Path);
    }

    /// <summary>Takes away a file that is closed, and what a kill left beside it.</summary>
    public static void Delete(string path)
    {
        File.Delete(path + "-journal"); // first: it must not outlive the file it belongs to
        File.Delete(path);
    }

    public void Dispose() => connection.Dispose();

    private void Prepare(DatabaseKind kind)
    {
        int Pragma(string name) => Read($"pragma {name}", row => row.GetInt32(0))[0];
        var (number, version) = (Pragma("application_id"), Pragma("user_version"));
        if (number == 0 && version == 0 && Read("select count(*) from sqlite_schema", row => row.GetInt32(0))[0] == 0) Run($"{kind.Tables}; pragma application_id={kind.Number}; pragma user_version={kind.Version}");
        else if (number != kind.Number) throw new InvalidDataException($"{Path}: is a database of another kind");
        else if (version != kind.Version) throw new InvalidDataException($"{Path}: was written by another version of Obverse (tables of version {version}; this one reads {kind.Version})");
    }

    private SqliteCommand Command(string sql, ReadOnlySpan<object> values)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++) command.Parameters.AddWithValue($"${i + 1}", values[i]);
        return command;
    }

    private void Try(Action work) => Try(() =>
    {
        work();
        return 0;
    });

    private T Try<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException e)
        {
            throw e.SqliteErrorCode switch // sqlite.org/rescode.html
            {
                5 or 6 => new IOException($"{Path}: is in use by another process", e),
                11 => new InvalidDataException($"{Path}: is damaged ({Line(e)})", e),
                26 => new InvalidDataException($"{Path}: is not a database", e),
                _ => new IOException($"{Path}: cannot be read or written: {Line(e)}", e),
            };
        }

        static string Line(SqliteException e) => e.Message.ReplaceLineEndings(" ");
    }
}
