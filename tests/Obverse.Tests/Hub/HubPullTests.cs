using System.Text;
using Obverse.Files;
using Obverse.Models;
using Xunit;

namespace Obverse.Tests.Hub;

public class HubPullTests
{
    [Fact]
    public void What_is_in_the_cache_is_not_fetched_again()
    {
        using var hub = FakeHub.Model();
        Assert.All(hub.Pull().Files, file => Assert.True(file.Fetched));
        var asked = hub.Hub.Requests.Count;
        Assert.All(hub.Pull().Files, file => Assert.False(file.Fetched));
        Assert.Equal(asked + 2, hub.Hub.Requests.Count); // the revision and its tree
        Assert.Single(hub.Cdn.Requests);
    }

    [Fact]
    public void A_damaged_blob_is_found_deleted_and_fetched_again()
    {
        using var hub = FakeHub.Model();
        hub.Pull();
        var blob = Path.Combine(hub.Repository, "blobs", hub.Hash("model.safetensors"));
        var bytes = File.ReadAllBytes(blob);
        bytes[1000] ^= 1;
        File.WriteAllBytes(blob, bytes);
        File.CreateSymbolicLink(Path.Combine(hub.Cache.Snapshot(FakeHub.Thing)!, "evil"), "/etc/hostname");
        File.WriteAllText(Path.Combine(hub.Repository, "refs", "gone"), new string('a', 40));
        File.WriteAllText(blob + ".incomplete", "x");
        var problems = HubVerification.Check(hub.Cache, "acme/thing", repair: false);
        Assert.Equal(4, problems.Count);
        foreach (var sign in new[] { "its SHA-256 is", "outside its blobs", "not in the cache", "half a file" }) Assert.Contains(problems, p => p.What.Contains(sign, StringComparison.Ordinal));
        Assert.Equal(5, HubVerification.Check(hub.Cache, "acme/thing", repair: true).Count); // the link dangles, once its blob is gone
        hub.Pull();
        Assert.Empty(HubVerification.Check(hub.Cache, "acme/thing", repair: false));
        Assert.Equal(hub.Files["model.safetensors"], File.ReadAllBytes(blob));
    }

    [Fact]
    public void Folders_branches_and_commits_have_their_places()
    {
        using var hub = FakeHub.Model(1000);
        hub.Files["a/b c/d+e.txt"] = "deep"u8.ToArray();
        foreach (var revision in new[] { "main", "v1.0", "refs/pr/3", FakeHub.Commit }) Assert.Equal(FakeHub.Commit, hub.Pull(new() { All = true }, $"acme/thing@{revision}").Commit);
        Assert.Equal("deep", File.ReadAllText(Path.Combine(hub.Cache.Snapshot(FakeHub.Thing)!, "a/b c/d+e.txt")));
        Assert.Equal($"../../../../blobs/{hub.Hash("a/b c/d+e.txt")}", new FileInfo(Path.Combine(hub.Repository, "snapshots", FakeHub.Commit, "a/b c/d+e.txt")).LinkTarget);
        Assert.Equal(["main", "refs/pr/3", "v1.0"], hub.Cache.Snapshots("acme/thing").Single().Revisions);
        Assert.Contains(hub.Hub.Requests, asked => asked.Path == "/api/models/acme/thing/revision/refs%2Fpr%2F3");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_mirror_without_lists_is_asked_for_the_names_that_models_use(bool tellsCommits)
    {
        using var hub = FakeHub.Model();
        hub.Files.Remove("model.safetensors");
        hub.Files["model.safetensors.index.json"] = """{"weight_map": {"a": "part-one.safetensors", "b": "part-two.safetensors"}}"""u8.ToArray();
        hub.Files["part-one.safetensors"] = FakeHub.Random(5000);
        hub.Files["part-two.safetensors"] = FakeHub.Random(6000);
        (hub.HasApi, hub.HasCommit) = (false, tellsCommits);
        var snapshot = hub.Pull();
        Assert.Equal(hub.Files.Keys.Order(StringComparer.Ordinal), snapshot.Files.Select(file => file.Name));
        foreach (var (name, content) in hub.Files) Assert.Equal(content, File.ReadAllBytes(Path.Combine(snapshot.Folder, name)));
        Assert.True(HubCache.IsModel(hub.Cache.Snapshot(FakeHub.Thing)!));
        Assert.Equal(tellsCommits, snapshot.Commit == FakeHub.Commit);
        Assert.Equal(tellsCommits, File.Exists(Path.Combine(hub.Repository, ".no_exist", FakeHub.Commit, "open_clip_model.safetensors")));
        Assert.Empty(HubVerification.Check(hub.Cache, "acme/thing", repair: false));
        Assert.Equal(snapshot.Commit, hub.Pull().Commit);
        Assert.Contains("--include", hub.Fails(new() { All = true }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_index_that_names_a_file_elsewhere_is_refused()
    {
        using var hub = FakeHub.Model();
        hub.Files.Remove("model.safetensors");
        hub.Files["model.safetensors.index.json"] = """{"weight_map": {"a": "../../../evil.safetensors"}}"""u8.ToArray();
        Assert.Contains("../../../evil.safetensors", Assert.ThrowsAny<Exception>(() => hub.Pull()).Message, StringComparison.Ordinal);
        Assert.Null(hub.Cache.Snapshot(FakeHub.Thing));
    }

    [Theory]
    [InlineData("mirror/acme/thing", "main", false)]
    [InlineData("mirror/acme/thing/resolve/main", "main", false)]
    [InlineData("mirror/acme/thing/resolve/89abcdef0123456789abcdef0123456789abcdef", "89abcdef0123456789abcdef0123456789abcdef", true)]
    public void A_folder_is_a_mirror(string at, string revision, bool tellsCommit)
    {
        using var hub = FakeHub.Model();
        var folder = Directory.CreateDirectory(Path.Combine(hub.Home, at)).FullName;
        foreach (var (name, content) in hub.Files) File.WriteAllBytes(Path.Combine(folder, name), content);
        hub.Settings = hub.Settings with { Offline = "HF_HUB_OFFLINE" }; // no net is needed
        var client = new HubClient(hub.Settings);
        var snapshot = client.Pull(new("acme/thing", revision), mirror: Path.Combine(hub.Home, "mirror")).GetAwaiter().GetResult();
        Assert.Equal(hub.Files.Keys.Select(hub.Hash).Order(StringComparer.Ordinal), hub.Blobs); // as the hub names them
        Assert.Equal(tellsCommit, snapshot.Commit == revision);
        Assert.Equal(snapshot.Folder, hub.Cache.Snapshot(new("acme/thing", revision)));
        Assert.Empty(HubVerification.Check(hub.Cache, "acme/thing", repair: false));
        Assert.Empty(hub.Hub.Requests);
        var failed = Assert.ThrowsAsync<HubException>(() => client.Pull(new("acme/none", "main"), mirror: Path.Combine(hub.Home, "mirror"))).GetAwaiter().GetResult();
        Assert.Equal(HubFault.NoRepository, failed.Fault);
    }

    [Fact]
    public void Several_files_come_at_once_and_progress_adds_up()
    {
        using var hub = new FakeHub([.. Enumerable.Range(0, 6).Select(i => ($"part-{i}.safetensors", FakeHub.Random(90_000 + i)))]);
        var (now, most) = (0, 0);
        hub.Fault = asked =>
        {
            if (!asked.Path.StartsWith("/cdn/", StringComparison.Ordinal)) return null;
            // The first waits for the second, on a busy machine too; the patience of this client is longer.
            lock (hub)
            {
                most = Math.Max(most, ++now);
                Monitor.PulseAll(hub);
                var clock = System.Diagnostics.Stopwatch.StartNew();
                while (most < 2 && clock.Elapsed < TimeSpan.FromSeconds(5)) Monitor.Wait(hub, 100);
            }

            Thread.Sleep(50);
            lock (hub) now--;
            return null;
        };
        List<(long Done, long Of)> told = [];
        var client = new HubClient(hub.Settings with { Patience = TimeSpan.FromSeconds(20) });
        client.Pull(FakeHub.Thing, new() { All = true }, new HubProgress(at => told.Add((at.Done, at.Of)))).GetAwaiter().GetResult();
        Assert.InRange(most, 2, hub.Settings.Parallel);
        var all = hub.Files.Values.Sum(content => content.Length);
        Assert.All(told, at => Assert.Equal(all, at.Of));
        Assert.Equal(all, told[^1].Done);
        Assert.Equal(told.Select(at => at.Done).Order(), told.Select(at => at.Done));
    }

    [Fact]
    public void A_stop_keeps_the_half()
    {
        using var hub = FakeHub.Model();
        hub.Fault = asked => asked.Path.StartsWith("/cdn/", StringComparison.Ordinal) ? FakeHub.Content(asked, hub.Files["model.safetensors"], []) with { BytesAPiece = 10_000, MillisecondsAPiece = 20 } : null;
        using var stop = new CancellationTokenSource();
        var client = new HubClient(hub.Settings);
        Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.Pull(FakeHub.Thing, progress: new HubProgress(at =>
        {
            if (at.File == "model.safetensors" && at.Done > 50_000) stop.Cancel();
        }), stop: stop.Token)).GetAwaiter().GetResult();
        Assert.True(new FileInfo(hub.Half("model.safetensors")).Length > 40_000);
        Assert.Equal(3, hub.Pull().Files.Count);
        Assert.True(hub.Cdn.Requests.Last().Offset > 40_000);
    }
}
