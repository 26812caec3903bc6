using System.Formats.Tar;
using System.Text.Json;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Xunit;

namespace Obverse.Tests.Hub;

/// <summary>The Python client's cache and requests, against ours.</summary>
public class HubFixtureTests
{
    public static TheoryData<string> Caches => Fixtures.Folders("", "requests.json");

    [SkippableTheory]
    [MemberData(nameof(Caches))]
    public void A_cache_that_the_Python_client_filled_is_used_as_it_is_offline(string at)
    {
        using var folder = new TemporaryFolder();
        var (cache, id, commit) = Unpacked(at, folder.Path);
        Assert.Contains(id, cache.Repositories);
        foreach (var revision in new[] { "main", commit })
        {
            var snapshot = cache.Snapshot(new(id, revision))!;
            Assert.NotEmpty(HubCache.Files(snapshot));
            using var model = ClipModel.Load(snapshot);
            Assert.True(model.EmbedDim > 0);
        }

        Assert.Empty(HubVerification.Check(cache, id, repair: false));
        Assert.Null(cache.Snapshot(new(id, "no-such-branch")));
        var client = new HubClient(new() { Cache = cache.Folder, Offline = "HF_HUB_OFFLINE" });
        Assert.Equal(HubFault.Offline, Assert.ThrowsAsync<HubException>(() => client.Pull(new(id, "main"))).GetAwaiter().GetResult().Fault);
    }

    [SkippableTheory]
    [MemberData(nameof(Caches))]
    public void Ours_asks_what_the_Python_client_asks_and_makes_the_same_cache(string at)
    {
        using var folder = new TemporaryFolder();
        var (theirs, id, commit) = Unpacked(at, Path.Combine(folder.Path, "theirs"));
        using var replay = new Replay(at, "first_pull", theirs, id, commit);
        var ours = new HubCache(Path.Combine(folder.Path, "ours", "hub"));
        var client = new HubClient(replay.Settings(ours));
        client.Pull(new(id, "main"), new() { All = true }).GetAwaiter().GetResult();
        replay.MustMatch(replay.Recorded.Where(r => !r.Path.Contains("/resolve/main/", StringComparison.Ordinal)));

        foreach (var absent in replay.Recorded.Where(r => r.Status == 404)) // single files and repositories that are not there
        {
            var parts = absent.Path.Split('/', 6);
            var failed = Assert.ThrowsAsync<HubException>(() => client.Pull(new($"{parts[1]}/{parts[2]}", parts[4]), new() { Include = [parts[5]] })).GetAwaiter().GetResult();
            Assert.Equal($"{parts[1]}/{parts[2]}" == id ? HubFault.NoFile : HubFault.NoRepository, failed.Fault);
        }

        Assert.Equal(Tree(theirs.Folder), Tree(ours.Folder));
    }

    [SkippableTheory]
    [MemberData(nameof(Caches))]
    public void A_half_from_the_Python_client_is_gone_on_with(string at)
    {
        using var folder = new TemporaryFolder();
        var (theirs, id, commit) = Unpacked(at, Path.Combine(folder.Path, "theirs"));
        var (ours, _, _) = Unpacked(at, Path.Combine(folder.Path, "ours"));
        var repository = new HubRepository(id, "main");
        var link = Directory.EnumerateFiles(ours.Snapshot(repository)!).MaxBy(file => HubCache.Length(new FileInfo(file)))!;
        var blob = ours.Blob(repository, Path.GetFileName(new FileInfo(link).LinkTarget!));
        var content = File.ReadAllBytes(blob);
        var had = Math.Min(100_000, content.Length / 2);
        File.Delete(link);
        File.Delete(blob);
        File.WriteAllBytes(blob + ".incomplete", content[..had]);

        using var replay = new Replay(at, "resumed_pull", theirs, id, commit);
        var client = new HubClient(replay.Settings(ours));
        var snapshot = client.Pull(repository, new() { All = true }).GetAwaiter().GetResult();
        Assert.Equal([Path.GetFileName(link)], snapshot.Files.Where(file => file.Fetched).Select(file => file.Name));
        Assert.Equal(had, replay.Requests.Single(asked => asked["Range"] is not null).Offset);
        // This client looks at the tree again: it keeps none.
        replay.MustMatch(replay.Recorded.Where(r => !r.Path.Contains("/resolve/main/", StringComparison.Ordinal) && !r.Path.Contains("/none/", StringComparison.Ordinal)), besides: "/tree/");
        Assert.Equal(Tree(theirs.Folder), Tree(ours.Folder));
    }

    private static (HubCache Cache, string Id, string Commit) Unpacked(string at, string to)
    {
        Directory.CreateDirectory(to);
        TarFile.ExtractToDirectory(Fixtures.Require(Path.Combine(at, "cache.tar")), to, overwriteFiles: false);
        var cache = new HubCache(Path.Combine(to, "hub"));
        var id = cache.Repositories.First();
        return (cache, id, cache.Commit(new(id, "main"))!);
    }

    // Everything but trees/, which is optional: paths, where links point, contents.
    private static string[] Tree(string folder) =>
        [.. new DirectoryInfo(folder).EnumerateFileSystemInfos("*", SearchOption.AllDirectories)
            .Select(entry => (Name: Path.GetRelativePath(folder, entry.FullName), Entry: entry)).Where(e => !e.Name.Split('/').Contains("trees"))
            .Select(e => e.Name + (e.Entry.LinkTarget is { } target ? " -> " + target : e.Entry is FileInfo ? " " + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(e.Entry.FullName))) : "/"))
            .Order(StringComparer.Ordinal)];

    internal sealed record Recording(string Method, string Path, int Status, bool HasToken, string? Encoding, (string Name, string Value)[] Answer);

    /// <summary>Answers as was recorded, with the bytes of the Python client's cache.</summary>
    private sealed class Replay : IDisposable
    {
        private readonly LocalServer hub, cdn;
        private readonly string token;

        public Replay(string at, string part, HubCache cache, string id, string commit)
        {
            using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(Path.Combine(at, "requests.json"))));
            static string? Header(JsonElement headers, string name) => headers.EnumerateObject().Where(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(h => h.Value.GetString()).FirstOrDefault();
            Recorded = [.. json.RootElement.GetProperty(part).EnumerateArray().Select(r => new Recording(r.GetProperty("method").GetString()!, r.GetProperty("path").GetString()!, r.GetProperty("status").GetInt32(), Header(r.GetProperty("request"), "authorization") is not null, Header(r.GetProperty("request"), "Accept-Encoding"), [.. r.GetProperty("response").EnumerateObject().Select(h => (h.Name, h.Value.GetString()!))]))];
            token = json.RootElement.GetProperty(part).EnumerateArray().Select(r => Header(r.GetProperty("request"), "authorization")).OfType<string>().First()["Bearer ".Length..];
            var files = HubCache.Files(cache.Snapshot(new(id, commit))!).ToDictionary(file => file.Name, file => File.ReadAllBytes(System.IO.Path.Combine(cache.Snapshot(new(id, commit))!, file.Name)));
            cdn = new LocalServer(Answer);
            hub = new LocalServer(Answer);

            Reply Answer(Asked asked)
            {
                if (asked.Path.Contains("/tree/", StringComparison.Ordinal)) return FakeHub.Json(files.Select(file => new { type = "file", path = file.Key, size = file.Value.Length }));
                if (asked.Path.StartsWith($"/api/models/{id}/revision/", StringComparison.Ordinal)) return FakeHub.Json(new { sha = commit, siblings = files.Keys.Select(name => new { rfilename = name }) });
                if (asked.Path.StartsWith("/api/", StringComparison.Ordinal)) return Reply.Error(404, "RepoNotFound");
                var recorded = Recorded.FirstOrDefault(r => r.Method == asked.Method && (r.Path == asked.Path || r.Path == asked.Path.Replace($"/resolve/{commit}/", "/resolve/main/", StringComparison.Ordinal)));
                if (recorded is null) return Reply.Error(500);
                var headers = recorded.Answer.Select(h => (h.Name, h.Value.Replace("CDN_HOST", cdn!.Authority, StringComparison.Ordinal))).ToArray();
                if (asked.Method == "HEAD") return new Reply(recorded.Status, [], headers);
                return FakeHub.Content(asked, files[files.Keys.Where(name => asked.Path.EndsWith("/" + name, StringComparison.Ordinal)).MaxBy(name => name.Length)!], [.. headers.Where(h => h.Name != "Content-Length")]);
            }
        }

        public IReadOnlyList<Recording> Recorded { get; }

        public IEnumerable<Asked> Requests => hub.Requests.Concat(cdn.Requests);

        public HubSettings Settings(HubCache cache) => new() { Cache = cache.Folder, Endpoint = new("http://" + hub.Authority), Token = token };

        public void MustMatch(IEnumerable<Recording> wanted, string? besides = null)
        {
            Assert.Equal(wanted.Select(r => $"{r.Method} {r.Path}{(r.HasToken ? " with the token" : "")}{(r.Method == "HEAD" ? " " + r.Encoding : "")}").Order(StringComparer.Ordinal),
                Requests.Where(a => besides is null || !a.Path.Contains(besides, StringComparison.Ordinal)).Select(a => $"{a.Method} {a.Path}{(a["Authorization"] == "Bearer " + token ? " with the token" : "")}{(a.Method == "HEAD" ? " " + a["Accept-Encoding"] : "")}").Order(StringComparer.Ordinal));
            Assert.All(Requests, asked => Assert.Equal("identity", asked["Accept-Encoding"])); // where Python lets a body be packed: Range counts bytes of the file itself
        }

        public void Dispose()
        {
            hub.Dispose();
            cdn.Dispose();
        }
    }
}
