using System.Diagnostics;
using Obverse.Files;
using Obverse.Models;
using Xunit;

namespace Obverse.Tests.Hub;

/// <summary>Processes that die in the middle, and that pull the same at once.</summary>
public class HubProcessTests
{
    private static string Program => Path.Combine(AppContext.BaseDirectory, "Obverse.Cli.dll");

    [Fact]
    public void A_pull_killed_at_any_moment_is_finished_by_the_next()
    {
        using var hub = new FakeHub(("config.json", "{}"u8.ToArray()), ("model.safetensors", FakeHub.Random(3_000_000)), ("README.md", "# card"u8.ToArray()), ("vocab.json", FakeHub.Random(40_000)));
        hub.Fault = asked => asked.Path.StartsWith("/cdn/", StringComparison.Ordinal) ? FakeHub.Content(asked, hub.Files["model.safetensors"], []) with { BytesAPiece = 20_000, MillisecondsAPiece = 5 } : null;
        var random = new Random(7);
        var (killed, halves) = (0, 0);
        for (var round = 0; round < 6; round++)
        {
            using var pull = Pull(hub);
            // Some before the first request, most while bytes come.
            for (var watch = Stopwatch.StartNew(); hub.Cdn.Requests.Count <= killed && watch.ElapsedMilliseconds < (round == 0 ? 100 : 20_000);) Thread.Sleep(5);
            Thread.Sleep(random.Next(0, 250));
            if (pull.HasExited) break;
            pull.Kill(); // SIGKILL
            pull.WaitForExit();
            killed = hub.Cdn.Requests.Count;
            if (File.Exists(hub.Half("model.safetensors"))) halves++;
            foreach (var blob in hub.Blobs.Where(blob => blob.Length is 40 or 64)) Assert.Equal(blob, BlobHash.Like(blob, Path.Combine(hub.Repository, "blobs", blob)));
            Assert.True(hub.Cache.Snapshot(FakeHub.Thing) is null || HubCache.IsModel(hub.Cache.Snapshot(FakeHub.Thing)!)); // never a part of it
        }

        Assert.True(halves > 0, "no pull was killed while bytes came");
        using (var last = Pull(hub)) Finished(last);
        foreach (var (name, content) in hub.Files) Assert.Equal(content, File.ReadAllBytes(Path.Combine(hub.Cache.Snapshot(FakeHub.Thing)!, name)));
        Assert.Empty(HubVerification.Check(hub.Cache, "acme/thing", repair: false));
        Assert.Contains(hub.Cdn.Requests, asked => asked.Offset > 0);
    }

    [Fact]
    public void Two_processes_that_pull_the_same_fetch_it_once()
    {
        using var hub = FakeHub.Model(1_000_000);
        hub.Fault = asked => asked.Path.StartsWith("/cdn/", StringComparison.Ordinal) ? FakeHub.Content(asked, hub.Files["model.safetensors"], []) with { BytesAPiece = 20_000, MillisecondsAPiece = 10 } : null;
        using var one = Pull(hub);
        using var other = Pull(hub);
        Finished(one);
        Finished(other);
        Assert.Single(hub.Cdn.Requests);
        foreach (var (name, content) in hub.Files) Assert.Equal(content, File.ReadAllBytes(Path.Combine(hub.Cache.Snapshot(FakeHub.Thing)!, name)));
        Assert.Empty(HubVerification.Check(hub.Cache, "acme/thing", repair: false));
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void Pythons_filelock_and_ours_keep_each_other_out(bool theirsFirst)
    {
        using var folder = new Encoders.TemporaryFolder();
        var path = Path.Combine(folder.Path, "x", "a.lock");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        // What filelock's UnixFileLock does.
        using var python = Start("python3", ["-c", "import fcntl, os, sys\nfd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)\nfor line in sys.stdin:\n  try:\n    fcntl.flock(fd, fcntl.LOCK_UN if line[0] == 'u' else fcntl.LOCK_EX | fcntl.LOCK_NB); print('yes', flush=True)\n  except OSError: print('no', flush=True)", path]);
        Skip.If(python is null, "no python3 here");
        string Ask(string what)
        {
            python!.StandardInput.WriteLine(what);
            python.StandardInput.Flush();
            return python.StandardOutput.ReadLine() ?? python.StandardError.ReadToEnd();
        }

        if (theirsFirst)
        {
            Assert.Equal("yes", Ask("lock"));
            var waits = 0;
            var ours = HubLock.Take(path, () => waits++, default);
            Assert.False(ours.Wait(300));
            Assert.Equal(1, waits);
            Assert.Equal("yes", Ask("unlock"));
            Assert.True(ours.Wait(5000));
            ours.Result.Dispose();
        }
        else
        {
            using (HubLock.Take(path, null, default).Result) Assert.Equal("no", Ask("lock"));
            Assert.Equal("yes", Ask("lock"));
        }

        python!.StandardInput.Close();
        python.WaitForExit();
    }

    private static Process Pull(FakeHub hub) => Start("dotnet", [Program, "models", "pull", "acme/thing", "--json"], ("HF_ENDPOINT", hub.Settings.Endpoint.ToString()), ("HF_HUB_CACHE", hub.Settings.Cache), ("HF_TOKEN", FakeHub.Token), ("HF_HUB_OFFLINE", ""))!;

    private static Process? Start(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        try
        {
            return Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static void Finished(Process pull)
    {
        var error = pull.StandardError.ReadToEndAsync();
        var said = pull.StandardOutput.ReadToEnd();
        pull.WaitForExit();
        Assert.True(pull.ExitCode == 0, said + error.Result);
        Assert.Contains("\"event\":\"result\"", said, StringComparison.Ordinal);
    }
}
