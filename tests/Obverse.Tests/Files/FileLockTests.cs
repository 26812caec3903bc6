using System.Diagnostics;
using Obverse.Files;
using Obverse.Tests.Commands;
using Xunit;

namespace Obverse.Tests.Files;

/// <summary>Two processes that want one name: one gets it, the other is told by whom.</summary>
[Collection("command line")]
public class FileLockTests
{
    private static string[] Names(string folder) => [.. Directory.EnumerateFileSystemEntries(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    [Fact]
    public void The_second_one_is_told_by_whom_and_nothing_is_left()
    {
        using var folder = new Encoders.TemporaryFolder();
        foreach (var name in new[] { "fox.png", new string('é', 120) + ".png" })
        {
            var path = Path.Combine(folder.Path, name);
            using (FileLock.Take(path))
            {
                Assert.Null(FileLock.TryTake(path));
                Assert.Matches($@"\.png: being written by process {Environment.ProcessId} on .+, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d; wait", Assert.Throws<IOException>(() => FileLock.Take(path)).Message);
            }

            using (FileLock.Take(path)) Assert.Equal(2, Names(folder.Path).Length);
            Assert.Empty(Names(folder.Path));
        }
    }

    [Fact]
    public void A_lock_of_a_process_that_is_gone_does_not_block_and_is_swept()
    {
        using var folder = new Encoders.TemporaryFolder();
        foreach (var name in new[] { "fox.png", "cat.png" })
        {
            File.WriteAllText(Path.Combine(folder.Path, $".{name}{FileLock.Suffix}"), "half");
            File.WriteAllText(Path.Combine(folder.Path, $".{name}{FileLock.OwnerSuffix}"), "process 1 on somewhere");
        }

        using (FileLock.Take(Path.Combine(folder.Path, "fox.png"))) AtomicFile.WriteText(Path.Combine(folder.Path, "new.txt"), "whole");
        Assert.Equal(["new.txt"], Names(folder.Path));
    }

    [Fact]
    public void Many_at_once_never_have_it_together()
    {
        using var folder = new Encoders.TemporaryFolder();
        var (inside, taken, together) = (0, 0, 0);
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                using var held = FileLock.TryTake(Path.Combine(folder.Path, "fox.png"));
                if (held is null) continue;
                if (Interlocked.Increment(ref inside) != 1) Interlocked.Increment(ref together);
                Interlocked.Increment(ref taken);
                Interlocked.Decrement(ref inside);
            }
        }))];
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.Equal(0, together);
        Assert.True(taken > 8, $"{taken}");
        Assert.Empty(Names(folder.Path));
    }

    [Theory]
    [InlineData(1, 1, 1, 1, false)]
    [InlineData(1, 1, 3, 4, false)]
    [InlineData(3, 4, 1, 1, false)]
    [InlineData(1, 4, 1, 4, false)]
    [InlineData(1, 4, 2, 4, true)]
    [InlineData(1, 2, 3, 4, false)] // every second has every fourth
    [InlineData(1, 2, 2, 4, true)]
    [InlineData(1, 2, 1, 3, false)]
    public void Shards_share_a_folder_where_they_share_no_item(int index, int of, int its, int ofIts, bool fits)
    {
        using var folder = new Encoders.TemporaryFolder();
        using var one = FileLock.TakeFolder(folder.Path, (index, of));
        if (fits) FileLock.TakeFolder(folder.Path, (its, ofIts)).Dispose();
        else Assert.Contains("being written by process", Assert.Throws<IOException>(() => FileLock.TakeFolder(folder.Path, (its, ofIts))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_that_start_together_draw_two_pictures()
    {
        using var program = new Commands.Program();
        string[] ask = [typeof(Obverse.Cli.CommandLine).Assembly.Location, "invert", "a cat", "--model", program.Model, "--recipe", "pyramid", "--views", "1", "--size", "32", "--steps", "3", "--threads", "1"];
        Process[] runs = [.. Enumerable.Range(0, 3).Select(_ => Process.Start(new ProcessStartInfo("dotnet", ask) { WorkingDirectory = program[""], RedirectStandardOutput = true, RedirectStandardError = true })!)];
        foreach (var run in runs)
        {
            var (output, error) = (run.StandardOutput.ReadToEndAsync(), run.StandardError.ReadToEndAsync());
            run.WaitForExit();
            Assert.True(run.ExitCode == 0, output.Result + error.Result);
            run.Dispose();
        }

        Assert.Equal(["a-cat-2.png", "a-cat-3.png", "a-cat.png"], program.Files);
    }

    [Fact]
    public void Commands_refuse_a_name_or_a_folder_that_another_writes()
    {
        using var program = new Commands.Program();
        File.WriteAllLines(program["prompts.txt"], ["a cat", "a red fox"]);
        string[] batch = ["batch", program["prompts.txt"], "--model", program.Model, "--recipe", "pyramid", "--steps", "2", "--views", "1", "--size", "32", "-o", program["out"]];
        string[][] asks = [["invert", "a cat", "--model", program.Model, "--recipe", "pyramid", "--steps", "2", "--views", "1", "-o", program["cat.png"]], ["render", program["cat.png"], "--size", "64", "-o", program["cat.png"]], batch, [.. batch, "--shard", "1/2"]];
        Directory.CreateDirectory(program["out"]);
        Assert.Equal(0, program.Run(asks[0]).Code);
        using (FileLock.Take(program["cat.png"]))
        using (FileLock.TakeFolder(program["out"]))
        {
            foreach (var ask in asks)
            {
                var refused = program.Run(ask);
                Assert.Equal(1, refused.Code);
                Assert.Contains($"being written by process {Environment.ProcessId} on ", refused.Error, StringComparison.Ordinal);
            }
        }

        foreach (var ask in asks[1..]) Assert.Equal(0, program.Run(ask).Code);
        Assert.Equal(["0001-a-cat.png", "0002-a-red-fox.png", "sheet.png"], Names(program["out"]));
    }
}
