using Obverse.Files;
using Obverse.Tests.Encoders;
using Xunit;

namespace Obverse.Tests.Files;

public sealed class DatabaseTests : IDisposable
{
    private static readonly DatabaseKind kind = new("TEST", 1, "create table things (name text primary key, bytes blob not null)");

    private readonly TemporaryFolder folder = new();

    private string File => Path.Combine(folder.Path, "things.db");

    [Fact]
    public void What_was_written_is_read_again_in_its_order_from_one_file()
    {
        using (var database = Database.Open(File, kind))
        {
            foreach (var name in new[] { "b", "a" }) Add(database, name, 3);
            Assert.ThrowsAny<Exception>(() => database.InTransaction(() =>
            {
                Add(database, "c", 3);
                throw new InvalidOperationException();
            }));
        }

        Assert.Equal([File], Directory.EnumerateFileSystemEntries(folder.Path));
        using (var again = Database.Open(File, kind))
        {
            Assert.Equal(["b", "a"], Names(again));
            Assert.Equal([[7, 7, 7]], again.Read("select bytes from things where name = $1", row => (byte[])row[0], "a"));
            again.Delete();
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    // The bytes of both files in the middle of a transaction, some of its pages already in the file, are what a kill or a power cut leaves.
    [Fact]
    public void A_kill_in_the_middle_of_a_transaction_loses_that_transaction_only()
    {
        var killed = File + ".killed";
        using (var database = Database.Open(File, kind))
        {
            database.Run("pragma cache_size=1");
            for (var i = 0; i < 20; i++) Add(database, $"whole {i}", 5000);
            var before = new FileInfo(File).Length;
            database.InTransaction(() =>
            {
                database.Run("update things set bytes = zeroblob(4000)");
                for (var i = 0; i < 50; i++) Add(database, $"half {i}", 5000);
                Assert.True(new FileInfo(File).Length > before && new FileInfo(File + "-journal").Length > 0, "nothing of the transaction is in the file yet");
                System.IO.File.Copy(File, killed);
                System.IO.File.Copy(File + "-journal", killed + "-journal");
            });
        }

        using var left = Database.Open(killed, kind);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"whole {i}"), Names(left));
        Assert.All(left.Read("select bytes from things", row => (byte[])row[0]), bytes => Assert.Equal((5000, 7), (bytes.Length, bytes[^1])));
    }

    [Fact]
    public void What_is_in_use_of_another_kind_or_damaged_is_named()
    {
        string Problem<T>() where T : Exception => Assert.Throws<T>(() => Database.Open(File, kind, exclusive: true).Dispose()).Message;
        using (Database.Open(File, kind, exclusive: true)) Assert.Equal($"{File}: is in use by another process", Problem<IOException>());
        var whole = System.IO.File.ReadAllBytes(File);
        System.IO.File.WriteAllBytes(File, whole[..5000]);
        Assert.StartsWith($"{File}: is damaged", Problem<InvalidDataException>(), StringComparison.Ordinal);
        System.IO.File.WriteAllText(File, "some text that is longer than the head of a database");
        Assert.Equal($"{File}: is not a database", Problem<InvalidDataException>());
        Database.Delete(File);
        Database.Open(File, kind with { Letters = "OTHR" }).Dispose();
        Assert.Equal($"{File}: is a database of another kind", Problem<InvalidDataException>());
        Database.Delete(File);
        Database.Open(File, kind with { Version = 2 }).Dispose();
        Assert.Contains("tables of version 2; this one reads 1", Problem<InvalidDataException>(), StringComparison.Ordinal);
        Database.Delete(File);
        System.IO.File.WriteAllText(File, ""); // as a kill leaves it that came before the first transaction
        Database.Open(File, kind).Dispose();
    }

    public void Dispose() => folder.Dispose();

    private static void Add(Database database, string name, int length) => database.Run("insert into things values ($1, $2)", name, Enumerable.Repeat((byte)7, length).ToArray());

    private static IReadOnlyList<string> Names(Database database) => database.Read("select name from things order by rowid", row => row.GetString(0));
}
