using System.Diagnostics;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Tests.Commands;
using Xunit;

namespace Obverse.Tests.Files;

/// <summary>What a kill or a full disk leaves: nothing for long, and nothing is lost.</summary>
[Collection("command line")]
public class LeftoverTests
{
    [Fact]
    public void Temporary_files_of_processes_that_are_gone_are_swept_by_the_next_write()
    {
        using var folder = new Encoders.TemporaryFolder();
        using var gone = Process.Start(new ProcessStartInfo("dotnet", "--version") { RedirectStandardOutput = true })!;
        gone.WaitForExit();
        string Left(string name, DateTime? written = null)
        {
            var path = Path.Combine(folder.Path, name);
            File.WriteAllText(path, "half");
            if (written is { } at) File.SetLastWriteTimeUtc(path, at);
            return path;
        }

        var anHourAgo = DateTime.UtcNow.AddHours(-1);
        string[] swept = [Left(AtomicFile.TemporaryName("fox.png", gone.Id)), Left(AtomicFile.TemporaryName("cat.png", Environment.ProcessId)), Left($".old.png.{Guid.NewGuid():N}.tmp", DateTime.UtcNow.AddDays(-2)), Left($".old.png.00000000-7-{Guid.NewGuid():N}.tmp", DateTime.UtcNow.AddDays(-2))];
        string[] stay = [Left(".mine.tmp", DateTime.UtcNow.AddDays(-2)), Left($".new.png.{Guid.NewGuid():N}.tmp", anHourAgo), Left($".there.png.00000000-7-{Guid.NewGuid():N}.tmp", anHourAgo), Left(AtomicFile.TemporaryName("its.png", Process.GetCurrentProcess().Id is var own && own == 1 ? 2 : 1), anHourAgo)];
        var locked = Left(AtomicFile.TemporaryName("busy.png", gone.Id));
        using (new FileStream(locked, FileMode.Open, FileAccess.ReadWrite, FileShare.Read)) AtomicFile.WriteText(Path.Combine(folder.Path, "new.txt"), "whole");
        Assert.All(swept, path => Assert.False(File.Exists(path), path));
        Assert.All([.. stay, locked], path => Assert.True(File.Exists(path), path));
        Assert.Equal("whole", File.ReadAllText(Path.Combine(folder.Path, "new.txt")));
    }

    [Fact]
    public void A_file_that_is_being_written_is_no_leftover()
    {
        using var folder = new Encoders.TemporaryFolder();
        using var one = AtomicFile.Open(Path.Combine(folder.Path, "film.mp4"));
        one.CloseStream(); // another program writes it
        using var other = AtomicFile.Open(Path.Combine(folder.Path, "fox.png"));
        Assert.True(File.Exists(one.TemporaryPath));
    }

    [Fact]
    public void What_a_killed_invert_leaves_is_gone_after_the_next()
    {
        using var program = new Commands.Program();
        string[] ask = ["invert", "a cat", "--model", program.Model, "--recipe", "pyramid", "--views", "1", "--size", "32", "--film", program["cat.gif"], "-o", program["cat.png"], "--threads", "1"];
        var start = new ProcessStartInfo("dotnet", [typeof(Obverse.Cli.CommandLine).Assembly.Location, .. ask, "--steps", "1000000"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var killed = Process.Start(start)!;
        bool Half() => Directory.EnumerateFiles(program[""], ".cat.gif*.tmp").Any();
        var seen = 0; // in a row: the file that tries whether the folder can be written is gone at once
        for (var watch = Stopwatch.StartNew(); seen < 5 && watch.Elapsed < TimeSpan.FromSeconds(120) && !killed.HasExited; seen = Half() ? seen + 1 : 0) Thread.Sleep(20);
        killed.Kill();
        killed.WaitForExit();
        Assert.True(Half(), killed.StandardError.ReadToEnd());
        Assert.Equal(0, program.Run([.. ask, "--steps", "1"]).Code);
        Assert.Equal(["cat.gif", "cat.png"], program.Files);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_picture_that_finds_no_room_leaves_a_checkpoint_to_write_it_from(bool isStopped)
    {
        using var program = new Commands.Program();
        string[] ask = ["invert", "a cat", "--model", program.Model, "--recipe", "pyramid", "--steps", "3", "--views", "1", "--size", "32", "-o"];
        Assert.Equal(0, program.Run([.. ask, program["whole.png"]]).Code);
        var job = InversionJob.FromPicture(program["whole.png"]);
        using var stop = new CancellationTokenSource();
        var failed = Assert.Throws<IOException>(() => job.Run(outputs: new Outputs(program["part.png"]), cancellation: stop.Token).ToBlockingEnumerable().ToList(told =>
        {
            if (told is not StepEvent { Step.Index: 1 }) return;
            Directory.CreateDirectory(program["part.png"]); // in its way, as a full disk is
            if (isStopped) stop.Cancel();
        }));
        Assert.Contains("part.checkpoint.safetensors", failed.Message, StringComparison.Ordinal);
        Directory.Delete(program["part.png"]);
        Assert.Equal(0, program.Run("invert", "--resume", program["part.checkpoint.safetensors"], "--out", program["there.png"]).Code);
        Assert.Equal(program.Bytes("whole.png"), program.Bytes("there.png"));
    }
}

internal static class Watched
{
    public static List<T> ToList<T>(this IEnumerable<T> items, Action<T> look)
    {
        var all = new List<T>();
        foreach (var item in items)
        {
            look(item);
            all.Add(item);
        }

        return all;
    }
}
