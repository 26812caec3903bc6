using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Obverse.Files;
using Obverse.Models;
using Obverse.Tests.Encoders;

namespace Obverse.Tests.Hub;

/// <summary>A hub with one repository and, as a second host, where its large files are; a cache of its own.</summary>
internal sealed class FakeHub : IDisposable
{
    public const string Commit = "89abcdef0123456789abcdef0123456789abcdef", Token = "hf_secret";

    private readonly TemporaryFolder folder = new();

    public FakeHub(params (string Name, byte[] Content)[] files)
    {
        foreach (var (name, content) in files) Files[name] = content;
        Cdn = new LocalServer(asked => Fault?.Invoke(asked) ?? Elsewhere(asked));
        Hub = new LocalServer(asked => Fault?.Invoke(asked) ?? Here(asked));
        Settings = new HubSettings { Cache = Path.Combine(folder.Path, "hub"), Endpoint = new Uri("http://" + Hub.Authority), Token = Token, Patience = TimeSpan.FromMilliseconds(700), Attempts = 3, Pause = TimeSpan.FromMilliseconds(10), LongestPause = TimeSpan.FromSeconds(2) };
    }

    public static FakeHub Model(int bytes = 200_000) => new(("config.json", Encoding.UTF8.GetBytes("{\"a\": 1}\n")), ("model.safetensors", Random(bytes)), ("README.md", Encoding.UTF8.GetBytes("# card\n")));

    public static HubRepository Thing { get; } = HubRepository.Parse("acme/thing");

    public LocalServer Hub { get; }
    public LocalServer Cdn { get; }
    public Dictionary<string, byte[]> Files { get; } = [];
    public bool HasApi { get; set; } = true;
    public bool HasCommit { get; set; } = true;
    public HubSettings Settings { get; set; }

    /// <summary>Answers instead; null where the usual answer is to come.</summary>
    public Func<Asked, Reply?>? Fault { get; set; }

    public HubCache Cache => new(Settings.Cache);
    public string Home => folder.Path;
    public string Repository => Path.Combine(Settings.Cache, Thing.Folder);
    public string[] Blobs => Directory.Exists(Path.Combine(Repository, "blobs")) ? [.. Directory.EnumerateFiles(Path.Combine(Repository, "blobs")).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)] : [];
    public string Half(string name) => Path.Combine(Repository, "blobs", Hash(name) + ".incomplete");

    public HubSnapshot Pull(HubModelFiles? wanted = null, string repository = "acme/thing")
    {
        var client = new HubClient(Settings);
        return client.Pull(HubRepository.Parse(repository), wanted).GetAwaiter().GetResult();
    }

    public HubException Fails(HubModelFiles? wanted = null, string repository = "acme/thing") => Xunit.Assert.Throws<HubException>(() => Pull(wanted, repository));

    public static byte[] Random(int bytes)
    {
        var content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        return content;
    }

    public static bool IsLarge(string name) => name.EndsWith(".safetensors", StringComparison.Ordinal);

    public string Hash(string name) => IsLarge(name) ? Convert.ToHexStringLower(SHA256.HashData(Files[name])) : Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {Files[name].Length}\0"), .. Files[name]]));

    public Reply Here(Asked asked)
    {
        var commit = HasCommit ? new[] { ("X-Repo-Commit", Commit) } : [];
        if (asked.Path.StartsWith("/api/", StringComparison.Ordinal))
        {
            if (!HasApi) return Reply.Error(404);
            if (asked.Path.StartsWith("/api/models/acme/thing/tree/", StringComparison.Ordinal)) return Json(Files.Select(file => new { type = "file", path = file.Key, size = file.Value.Length }));
            return asked.Path.StartsWith("/api/models/acme/thing/revision/", StringComparison.Ordinal) ? Json(new { sha = Commit, siblings = Files.Keys.Select(name => new { rfilename = name }) }) : Reply.Error(404, "RepoNotFound");
        }

        var parts = Uri.UnescapeDataString(asked.Path).Split('/', 6);
        if (parts.Length < 6 || parts[1] != "acme" || parts[2] != "thing") return Reply.Error(404, HasApi ? "RepoNotFound" : null);
        var name = parts[5];
        if (!Files.TryGetValue(name, out var content)) return Reply.Error(404, HasApi ? "EntryNotFound" : null, commit);
        if (IsLarge(name) && HasApi) return new Reply(302, [], [("X-Linked-Etag", $"\"{Hash(name)}\""), ("X-Linked-Size", $"{content.Length}"), ("Location", $"http://{Cdn.Authority}/cdn/{name}?sig=1"), .. commit]);
        return Content(asked, content, [("ETag", HasCommit ? $"\"{Hash(name)}\"" : "W/\"5f3-6\""), .. commit]);
    }

    public Reply Elsewhere(Asked asked) => Files.TryGetValue(asked.Path["/cdn/".Length..].Split('?')[0], out var content) ? Content(asked, content, []) : Reply.Error(404);

    public static Reply Content(Asked asked, byte[] content, (string, string)[] headers) =>
        asked["Range"] is null ? new Reply(200, content, headers) : asked.Offset >= content.Length ? Reply.Error(416) : new Reply(206, content[asked.Offset..], [("Content-Range", $"bytes {asked.Offset}-{content.Length - 1}/{content.Length}"), .. headers]);

    public static Reply Json(object value) => new(200, JsonSerializer.SerializeToUtf8Bytes(value), ("Content-Type", "application/json"));

    public void Dispose()
    {
        Hub.Dispose();
        Cdn.Dispose();
        folder.Dispose();
    }
}
