using System.Text;
using Obverse.Files;
using Obverse.Models;
using Xunit;
using Xunit.Abstractions;

namespace Obverse.Tests.Hub;

/// <summary>What a user is told, and what is left on disk, when the server or the line misbehaves.</summary>
public class HubFaultTests(ITestOutputHelper output)
{
    private const int Size = 200_000, Any = -2;

    private static readonly Dictionary<string, (Func<FakeHub, Func<Asked, Reply?>> Fault, HubFault Kind, string Said, int? Half)> faults = new()
    {
        ["stalls in the body"] = (_ => OnBody(r => r with { StallAfter = 50_000 }), HubFault.Connection, "nothing came for 0.7 s", -1),
        ["stalls before the headers"] = (_ => OnHead(_ => new Reply(200, []) { StallAfter = -1 }), HubFault.Connection, "no answer from", null),
        ["ends early"] = (_ => OnBody(r => r with { EndAfter = r.Body.Length / 2 }), HubFault.Connection, "the line was cut after", -1),
        ["ends early, with no length told"] = (_ => OnBody(r => r with { EndAfter = r.Body.Length / 2, Says = -1 }), HubFault.Connection, "the answer ended after", -1),
        ["resets in the middle"] = (_ => OnBody(r => r with { ResetAfter = r.Body.Length / 2 }), HubFault.Connection, "bytes (tried 3 times)", -1),
        ["promises less than it sends"] = (hub => OnHead(asked => Linked(hub, asked, Size - 1000)), HubFault.Untrustworthy, "are offered where 199000 were promised", null),
        ["promises more than it sends"] = (hub => OnHead(asked => Linked(hub, asked, Size + 1000)), HubFault.Untrustworthy, "are offered where 201000 were promised", null),
        ["promises less, with no length told"] = (hub => Both(OnHead(asked => Linked(hub, asked, Size - 1000)), OnBody(r => r with { Says = -1 })), HubFault.Untrustworthy, "more than the 199000 bytes that were promised came; what came was deleted", null),
        ["promises more, with no length told"] = (hub => Both(OnHead(asked => Linked(hub, asked, Size + 1000)), OnBody(r => r with { Says = -1 })), HubFault.Connection, "the answer ended after 200000 of 201000 bytes", Size),
        ["sends another file"] = (_ => OnBody(r => r with { Body = new byte[r.Body.Length] }), HubFault.Untrustworthy, "its SHA-256 is", null),
        ["sends another small file"] = (_ => asked => asked.Method == "GET" && asked.Path.EndsWith("config.json", StringComparison.Ordinal) ? new Reply(200, Encoding.UTF8.GetBytes("{\"a\": 2}\n")) : null, HubFault.Untrustworthy, "its git SHA-1 is", Any),
        ["redirects in a circle"] = (_ => asked => asked.Path.Contains("circle", StringComparison.Ordinal) ? Moved("/circle?" + (asked.Path.Contains("?a", StringComparison.Ordinal) ? "b" : "a")) : asked.Path.Contains("resolve", StringComparison.Ordinal) ? Moved("/circle?a") : null, HubFault.Untrustworthy, "redirects in a circle, back to", null),
        ["redirects without end"] = (_ => asked => asked.Path.Contains("resolve", StringComparison.Ordinal) || asked.Path.Contains("on/", StringComparison.Ordinal) ? Moved("/on/" + Guid.NewGuid()) : null, HubFault.Untrustworthy, "more than 10 redirects", null),
        ["redirects to a file of this machine"] = (_ => OnBody(_ => Moved("file:///etc/passwd")), HubFault.Untrustworthy, "which is no address to fetch from", null),
        ["no such repository"] = (_ => _ => Reply.Error(404, "RepoNotFound"), HubFault.NoRepository, "no such repository at", null),
        ["no such repository, as strangers are told"] = (_ => _ => Reply.Error(401, "RepoNotFound"), HubFault.NoRepository, "no such repository at", null),
        ["no such revision"] = (_ => _ => Reply.Error(404, "RevisionNotFound"), HubFault.NoRevision, "no revision 'main' at", null),
        ["gated"] = (_ => asked => asked.Path.StartsWith("/api", StringComparison.Ordinal) ? null : Reply.Error(403, "GatedRepo"), HubFault.Gated, "gated (403): accept its terms at", null),
        ["listed, but not there"] = (_ => OnHead(_ => Reply.Error(404, "EntryNotFound")), HubFault.NoFile, "no file '", null),
        ["unauthorized"] = (_ => _ => Reply.Error(401), HubFault.Unauthorized, "wants to know who asks (401)", null),
        ["forbidden"] = (_ => _ => Reply.Error(403), HubFault.Unauthorized, "forbids it (403)", null),
        ["overrun, for a while"] = (_ => _ => Reply.Error(429, null, ("Retry-After", "0")), HubFault.Connection, "answered 429 TooManyRequests (tried 3 times)", null),
        ["overrun, for an hour"] = (_ => _ => Reply.Error(429, null, ("Retry-After", "3600")), HubFault.Connection, "asks to wait 3600 s", null),
        ["down"] = (_ => _ => Reply.Error(503), HubFault.Connection, "answered 503 ServiceUnavailable (tried 3 times)", null),
        ["the other host refuses"] = (_ => OnBody(_ => Reply.Error(403)), HubFault.Refused, "answered 403 Forbidden", null),
        ["packs what it sends"] = (_ => OnBody(r => r with { Headers = [("Content-Encoding", "gzip")] }), HubFault.Refused, "packs it (gzip), which was not asked for", null),
        ["lists a name that leads out"] = (_ => Listing("../../../evil"), HubFault.Untrustworthy, "the hub's list has file name '../../../evil'", null),
        ["lists an absolute name"] = (_ => Listing("/etc/passwd"), HubFault.Untrustworthy, "file name '/etc/passwd'", null),
        ["lists a name with a backslash"] = (_ => Listing("..\\\\evil"), HubFault.Untrustworthy, "file name '..\\evil'", null),
        ["names a commit that leads out"] = (_ => asked => asked.Path.Contains("/revision/", StringComparison.Ordinal) ? FakeHub.Json(new { sha = "../../x", siblings = Array.Empty<object>() }) : null, HubFault.Untrustworthy, "names no commit (sha '../../x')", null),
        ["a file's commit leads out"] = (_ => OnHead(_ => new Reply(200, [], ("X-Repo-Commit", "../../x"), ("ETag", "\"x\""))), HubFault.Untrustworthy, "X-Repo-Commit is '../../x'", null),
    };

    public static TheoryData<string> Names => [.. faults.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void One_line_says_what_went_wrong_and_nothing_wrong_is_kept(string name)
    {
        var (fault, kind, said, half) = faults[name];
        using var hub = FakeHub.Model(Size);
        hub.Fault = fault(hub);
        var failed = hub.Fails();
        output.WriteLine($"{name} | obverse: {failed.Message} | {(hub.Blobs.Length == 0 ? "no blobs" : string.Join(", ", hub.Blobs.Select(b => $"{(b.Length > 48 && b.EndsWith(".incomplete") ? $"SHA.incomplete ({new FileInfo(Path.Combine(hub.Repository, "blobs", b)).Length} bytes)" : b[..8] + "…")}")))}");
        Assert.Equal(kind, failed.Fault);
        Assert.Contains(said, failed.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failed.Message);
        Assert.DoesNotContain(FakeHub.Token, failed.Message, StringComparison.Ordinal);
        Assert.Null(hub.Cache.Snapshot(FakeHub.Thing));
        Assert.All(hub.Blobs.Where(blob => blob.Length is 40 or 64), blob => Assert.Equal(blob, BlobHash.Like(blob, Path.Combine(hub.Repository, "blobs", blob))));
        Assert.True(half == Any || !hub.Blobs.Contains(hub.Hash("model.safetensors")), "the file that failed is there");
        var left = new FileInfo(hub.Half("model.safetensors"));
        if (half == Any) hub.Fault = null; // it was another file that failed: this one may be whole, or stopped
        else if (half is null) Assert.False(left.Exists && left.Length > 0, "half a file was kept");
        else Assert.True(left.Exists && (half < 0 ? left.Length is > 0 and < Size : left.Length == half), $"half a file: {(left.Exists ? left.Length : 0)} bytes");

        hub.Fault = null; // the server is well again: whatever was left, the file comes whole
        Whole(hub, hub.Pull());
        Assert.DoesNotContain(hub.Cdn.Requests, asked => asked["Authorization"] is not null);
    }

    [Fact]
    public void A_server_that_recovers_is_tried_again_and_the_half_is_gone_on_with()
    {
        using var hub = FakeHub.Model(Size);
        var bad = 2;
        hub.Fault = asked => IsBody(asked) && bad-- > 0 ? FakeHub.Content(asked, hub.Files["model.safetensors"], []) with { ResetAfter = 60_000 } : null;
        Whole(hub, hub.Pull());
        var offsets = hub.Cdn.Requests.Select(asked => asked.Offset).ToArray();
        Assert.Equal(3, offsets.Length);
        Assert.True(offsets[0] == 0 && offsets[1] > 0 && offsets[2] > offsets[1], string.Join(", ", offsets));
    }

    [Fact]
    public void A_short_wait_that_is_asked_for_is_kept_and_told()
    {
        using var hub = FakeHub.Model(Size);
        var busy = 1;
        hub.Fault = asked => asked.Path.StartsWith("/api", StringComparison.Ordinal) && busy-- > 0 ? Reply.Error(503, null, ("Retry-After", "1")) : null;
        List<string> remarks = [];
        var watch = System.Diagnostics.Stopwatch.StartNew();
        new HubClient(hub.Settings).Pull(FakeHub.Thing, progress: new HubProgress(at => { if (at.Remark is { } said) remarks.Add(said); })).GetAwaiter().GetResult();
        Assert.True(watch.Elapsed.TotalSeconds >= 0.95);
        Assert.Contains("answered 503 ServiceUnavailable; again in 1 s", Assert.Single(remarks), StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_that_gains_ground_is_tried_more_often_than_one_that_does_not()
    {
        using var hub = FakeHub.Model(Size);
        hub.Settings = hub.Settings with { Worthwhile = 10_000 };
        hub.Fault = asked => IsBody(asked) ? FakeHub.Content(asked, hub.Files["model.safetensors"], []) with { ResetAfter = 30_000 } : null;
        Whole(hub, hub.Pull());
        Assert.True(hub.Cdn.Requests.Count > hub.Settings.Attempts);
    }

    [Theory]
    [InlineData("file", "bytes came in")]
    [InlineData("list", "stalled within its list of files")]
    [InlineData("half a list", "stalled within its list of files")]
    public void A_byte_now_and_then_is_no_line(string what, string said)
    {
        using var hub = FakeHub.Model(Size);
        hub.Settings = hub.Settings with { Patience = TimeSpan.FromSeconds(1), Attempts = 2 };
        Reply Dripping(Reply reply) => reply with { BytesAPiece = 1, MillisecondsAPiece = 50 };
        hub.Fault = asked => what == "file" ? IsBody(asked) ? Dripping(FakeHub.Content(asked, hub.Files["model.safetensors"], [])) : null
            : asked.Path.Contains(what == "list" ? "/revision/" : "/tree/", StringComparison.Ordinal) ? Dripping(FakeHub.Json(new { sha = new string('a', 40), siblings = Enumerable.Range(0, 100).Select(i => new { rfilename = $"{i}.bin" }) })) : null;
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var failed = hub.Fails();
        Assert.Equal(HubFault.Connection, failed.Fault);
        Assert.Contains(said, failed.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failed.Message);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"{watch.Elapsed}");
    }

    [Theory]
    [InlineData("ignores Range")]
    [InlineData("says 416")]
    [InlineData("was another file's")]
    [InlineData("too long")]
    [InlineData("whole")]
    public void Any_half_becomes_the_right_file(string what)
    {
        using var hub = FakeHub.Model(Size);
        Directory.CreateDirectory(Path.GetDirectoryName(hub.Half("model.safetensors"))!);
        var content = hub.Files["model.safetensors"];
        File.WriteAllBytes(hub.Half("model.safetensors"), what switch { "was another file's" => new byte[70_000], "too long" => [.. content, 1], "whole" => content, _ => content[..70_000] });
        hub.Fault = asked => !IsBody(asked) ? null : what == "ignores Range" ? new Reply(200, content) : what == "says 416" && asked.Offset > 0 ? Reply.Error(416) : null;
        Whole(hub, hub.Pull());
        Assert.Equal(what switch { "ignores Range" => [70_000], "says 416" or "was another file's" => [70_000, 0], "too long" => [0], _ => Array.Empty<int>() }, hub.Cdn.Requests.Select(asked => asked.Offset));
    }

    [Fact]
    public void The_token_stays_with_the_hub_even_where_the_other_host_sends_back_to_it()
    {
        using var hub = FakeHub.Model(Size);
        hub.Fault = asked => IsBody(asked) ? Moved($"http://{hub.Hub.Authority}/back") : asked.Path == "/back" ? new Reply(200, hub.Files["model.safetensors"]) : null;
        Whole(hub, hub.Pull());
        Assert.All(hub.Cdn.Requests, asked => Assert.Null(asked["Authorization"]));
        Assert.Null(hub.Hub.Requests.Single(asked => asked.Path == "/back")["Authorization"]);
        Assert.All(hub.Hub.Requests.Where(asked => asked.Path != "/back"), asked => Assert.Equal("Bearer " + FakeHub.Token, asked["Authorization"]));
    }

    [Fact]
    public void A_repository_that_moved_is_followed_on_the_same_host_with_the_token()
    {
        using var hub = FakeHub.Model(Size);
        hub.Fault = asked => asked.Path.StartsWith("/acme/old", StringComparison.Ordinal) || asked.Path.StartsWith("/api/models/acme/old", StringComparison.Ordinal) ? Moved(asked.Path.Replace("/old", "/thing", StringComparison.Ordinal), 307) : null;
        Assert.Equal(3, hub.Pull(repository: "acme/old").Files.Count);
        Assert.All(hub.Hub.Requests, asked => Assert.NotNull(asked["Authorization"]));
        Assert.All(hub.Cdn.Requests, asked => Assert.Null(asked["Authorization"]));
    }

    [Fact]
    public void An_address_that_expired_is_asked_for_anew()
    {
        using var hub = FakeHub.Model(Size);
        var expired = 1;
        hub.Fault = asked => IsBody(asked) && expired-- > 0 ? Reply.Error(403) : null;
        Whole(hub, hub.Pull());
        Assert.Equal(2, hub.Hub.Requests.Count(asked => asked.Method == "HEAD" && asked.Path.EndsWith("model.safetensors", StringComparison.Ordinal)));
    }

    private static void Whole(FakeHub hub, HubSnapshot snapshot)
    {
        Assert.Equal(hub.Files.Keys.Order(StringComparer.Ordinal), snapshot.Files.Select(file => file.Name));
        foreach (var (name, content) in hub.Files) Assert.Equal(content, File.ReadAllBytes(Path.Combine(snapshot.Folder, name)));
        Assert.Empty(HubVerification.Check(hub.Cache, "acme/thing", repair: false));
        Assert.Equal(hub.Files.Keys.Select(hub.Hash).Order(StringComparer.Ordinal), hub.Blobs);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(hub.Settings.Cache, ".locks"), "*.tmp", SearchOption.AllDirectories));
    }

    private static bool IsBody(Asked asked) => asked.Method == "GET" && asked.Path.StartsWith("/cdn/", StringComparison.Ordinal);

    private static Func<Asked, Reply?> OnBody(Func<Reply, Reply> change) => asked => IsBody(asked) ? change(FakeHub.Content(asked, FakeHub.Random(Size), [])) : null;

    private static Func<Asked, Reply?> OnHead(Func<Asked, Reply?> reply) => asked => asked.Method == "HEAD" ? reply(asked) : null;

    private static Func<Asked, Reply?> Both(Func<Asked, Reply?> one, Func<Asked, Reply?> other) => asked => one(asked) ?? other(asked);

    private static Func<Asked, Reply?> Listing(string name) => asked => asked.Path.Contains("/revision/", StringComparison.Ordinal) ? new Reply(200, Encoding.UTF8.GetBytes($$"""{"sha": "{{FakeHub.Commit}}", "siblings": [{"rfilename": "{{name}}"}]}""")) : null;

    private static Reply Moved(string to, int status = 302) => new(status, [], ("Location", to));

    private static Reply? Linked(FakeHub hub, Asked asked, int size) => !FakeHub.IsLarge(asked.Path) ? null : hub.Here(asked) is var usual ? usual with { Headers = [.. usual.Headers.Where(h => h.Name != "X-Linked-Size"), ("X-Linked-Size", $"{size}")] } : null;
}
