using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Obverse.Files;
using Obverse.Retrieval;
using Xunit;

namespace Obverse.Tests.Commands;

[Collection("command line")]
public class IndexResumeTests
{
    private const int Count = 80, Blocked = 70, AtOnce = 32;

    [Fact]
    public void A_build_that_is_killed_goes_on_and_embeds_nothing_twice()
    {
        using var program = new Program();
        Directory.CreateDirectory(program["p"]);
        for (var i = 0; i < Count; i++) IndexSourceTests.Noise(i).Save(program[$"p/{i:00}.png"]);
        File.WriteAllLines(program["p/c.jsonl"], Enumerable.Range(0, Count).Select(i => $$"""{"file": "{{i:00}}.png", "captions": ["a red fox {{i % 7}}", "a cat {{i}}"]}"""));
        string[] Build(string output) => ["index", "build", program["p/c.jsonl"], "-o", program[output], "--model", program.Model, "--threads", "1", "--thumbnails", "8", "--json"];
        Assert.Equal(0, program.Run(Build("whole.safetensors")).Code);

        // Ten large pictures hold the third batch up until the kill.
        var held = Enumerable.Range(Blocked, Count - Blocked).ToDictionary(i => program[$"p/{i}.png"], i => File.ReadAllBytes(program[$"p/{i}.png"]));
        IndexSourceTests.Noise(1).Resize(4000, 4000).Save(program["large.png"]);
        foreach (var path in held.Keys)
        {
            File.Delete(path);
            File.CreateSymbolicLink(path, program["large.png"]);
        }

        var journal = program["i.safetensors.part"];
        using (var build = Start("dotnet", [Path.Combine(AppContext.BaseDirectory, "Obverse.Cli.dll"), .. Build("i.safetensors")])!)
        {
            for (var wait = Stopwatch.StartNew(); !build.HasExited && wait.Elapsed.TotalMinutes < 2 && Batches(journal) < Blocked / AtOnce; Thread.Sleep(50)) { }
            Assert.False(build.HasExited, build.HasExited ? build.StandardError.ReadToEnd() : "");
            build.Kill(); // SIGKILL
            build.WaitForExit();
        }

        Assert.Equal(Blocked / AtOnce * AtOnce, Query(journal, "select count(*) from pictures")); // read by SQLite itself: a transaction cut off by the kill is taken back
        Assert.False(File.Exists(program["i.safetensors"]));
        foreach (var (path, bytes) in held)
        {
            File.Delete(path);
            File.WriteAllBytes(path, bytes);
        }

        // The database alone is what was done, whatever lies beside it. As it was left, after one batch, and before the first: what is there is not embedded again, and the index is the same to the byte.
        var left = File.ReadAllBytes(journal);
        foreach (var batches in new[] { Blocked / AtOnce, 1, 0 })
        {
            Leave(left);
            Query(journal, $"delete from pictures where rowid > {batches * AtOnce}; delete from rows where rowid > {2 * batches * AtOnce}; delete from captions where text not in (select caption from rows)");
            AssertGoesOn(batches * AtOnce);
        }

        Leave([]);
        AssertGoesOn(0);

        // Killed between writing the index and taking the journal away: nothing is there twice.
        File.WriteAllBytes(journal, left);
        Assert.Equal(0, program.Run(Build("i.safetensors")).Lines[^1].GetProperty("embedded").GetInt32());
        using (var index = RetrievalIndex.Open(program["i.safetensors"])) Assert.Equal(2 * Count, index.Count);

        // Another model does not go on with it, two builds do not write the same index, and what is damaged is named; it stays as it is.
        Leave(left);
        using (var taken = new SqliteConnection($"Data Source={journal};Pooling=False"))
        {
            taken.Open();
            using var transaction = taken.BeginTransaction(deferred: false);
            Assert.Equal($"obverse: {journal}: is in use by another process", program.Run(Build("i.safetensors")).Line);
        }

        Query(journal, "update model set sha256 = replace(sha256, substr(sha256, 1, 4), 'beef')");
        AssertRefused(2, "was stopped");
        Leave(left[..5000]);
        AssertRefused(1, $"{journal}: is damaged");

        // Of the format of before.
        Leave([.. "OBVINDX1"u8, .. new byte[300]]);
        Assert.Contains("is of an older version", AssertGoesOn(0).Error, StringComparison.Ordinal);

        void Leave(byte[] bytes)
        {
            File.Delete(program["i.safetensors"]);
            Database.Delete(journal);
            File.WriteAllBytes(journal, bytes);
        }

        Answer AssertGoesOn(int done)
        {
            var gone = program.Run(Build("i.safetensors"));
            Assert.True(gone.Code == 0, gone.Error);
            Assert.Equal((Count, 2 * Count, Count - done), (gone.Lines[^1].GetProperty("pictures").GetInt32(), gone.Lines[^1].GetProperty("rows").GetInt32(), gone.Lines[^1].GetProperty("embedded").GetInt32()));
            Assert.Equal(program.Bytes("whole.safetensors"), program.Bytes("i.safetensors"));
            Assert.DoesNotContain(program.Files, file => file.Contains(".part", StringComparison.Ordinal) && !file.Contains(".seen", StringComparison.Ordinal));
            return gone;
        }

        void AssertRefused(int code, string why)
        {
            var before = File.ReadAllBytes(journal);
            var refused = program.Run(Build("i.safetensors"));
            Assert.Equal(code, refused.Code);
            Assert.Contains(why, refused.Line, StringComparison.Ordinal);
            Assert.Equal(before, File.ReadAllBytes(journal));
        }
    }

    // Of a copy, which nobody has locked; as long as the build writes, the two files may not belong together.
    private static int Batches(string journal)
    {
        foreach (var end in new[] { "", "-journal" })
        {
            File.Delete(journal + ".seen" + end);
            if (File.Exists(journal + end)) File.Copy(journal + end, journal + ".seen" + end);
        }

        try
        {
            return Query(journal + ".seen", "select count(*) from pictures") / AtOnce;
        }
        catch (SqliteException)
        {
            return 0;
        }
    }

    private static int Query(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = new SqliteCommand(sql, connection);
        return Convert.ToInt32(command.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static Process? Start(string program, string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
