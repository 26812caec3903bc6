using System.Net;
using System.Text.Json;

namespace Obverse.Files;

/// <summary>A hub by HTTP, asked as the Python client asks: a revision's commit and files, HEAD for a file's hash and size, GET for its bytes.</summary>
internal sealed class HttpHub(HubSettings settings, HubWire wire) : IHubSource
{
    private const int LongestJson = 64 << 20;

    public string Name => settings.Endpoint.ToString().TrimEnd('/');

    public async Task<HubListing> List(HubRepository repository, CancellationToken stop)
    {
        if (await Json(repository, $"/api/models/{repository.Id}/revision/{Uri.EscapeDataString(repository.Revision)}", isOptional: true, stop).ConfigureAwait(false) is not { } info) return new(null, null);
        using (info)
        {
            if (info.RootElement.ValueKind != JsonValueKind.Object || !info.RootElement.TryGetProperty("siblings", out var siblings) || siblings.ValueKind != JsonValueKind.Array) return new(null, null);
            var commit = info.RootElement.TryGetProperty("sha", out var sha) && sha.ValueKind == JsonValueKind.String ? sha.GetString() : null;
            if (!HubNames.IsCommit(commit)) throw new HubException(HubFault.Untrustworthy, $"{repository}: {Name} names no commit (sha '{HubNames.Shown(commit ?? "")}'), 40 hexadecimal digits were wanted");
            var files = new Dictionary<string, long?>(StringComparer.Ordinal);
            foreach (var file in siblings.EnumerateArray())
            {
                if (file.ValueKind == JsonValueKind.Object && file.TryGetProperty("rfilename", out var name) && name.ValueKind == JsonValueKind.String) files[Checked(repository, name.GetString()!)] = null;
            }

            await Sizes(repository, commit!, files, stop).ConfigureAwait(false);
            return new(commit, files);
        }
    }

    public async Task<HubFile> Head(HubRepository repository, string name, Action<string>? missing, CancellationToken stop)
    {
        var uri = At($"/{repository.Id}/resolve/{Uri.EscapeDataString(repository.Revision)}/{string.Join('/', HubNames.File(name).Split('/').Select(Uri.EscapeDataString))}");
        return await wire.Try(async () =>
        {
            string? commit = null, etag = null, length = null;
            using var answer = await wire.Send(HttpMethod.Head, uri, true, 0, $"{repository}: {name}", stop, on =>
            {
                commit = HubWire.Header(on, "X-Repo-Commit") ?? commit;
                etag = HubWire.Header(on, "X-Linked-Etag") ?? etag;
                length = HubWire.Header(on, "X-Linked-Size") ?? length;
            }).ConfigureAwait(false);
            if (commit is not null && !HubNames.IsCommit(commit)) throw new HubException(HubFault.Untrustworthy, $"{repository}: {name}: X-Repo-Commit is '{HubNames.Shown(commit)}', 40 hexadecimal digits were wanted");
            if ((int)answer.StatusCode >= 400)
            {
                var refused = Refusal(repository, name, answer);
                if (refused.Fault == HubFault.NoFile && commit is not null) missing?.Invoke(commit);
                throw refused;
            }

            var from = HubWire.Header(answer, "Location") is { } location && (int)answer.StatusCode >= 300 ? HubWire.Target(answer.RequestMessage!.RequestUri!, location)! : answer.RequestMessage!.RequestUri!;
            etag = HubNames.Bare(etag ?? ((int)answer.StatusCode < 300 ? HubWire.Header(answer, "ETag") : null));
            length ??= (int)answer.StatusCode < 300 ? HubWire.Header(answer, "Content-Length") : null;
            return new HubFile(name, HubNames.IsHash(etag) ? etag : null, long.TryParse(length, out var size) && size >= 0 ? size : null, commit, from.AbsoluteUri, wire.IsHub(from));
        }, stop).ConfigureAwait(false);
    }

    public async Task<HubBody?> Open(HubRepository repository, HubFile file, long offset, CancellationToken stop)
    {
        var what = $"{repository}: {file.Name}";
        var answer = await wire.Send(HttpMethod.Get, new Uri(file.From), file.IsTrusted, offset, what, stop).ConfigureAwait(false);
        try
        {
            if (answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && offset > 0)
            {
                answer.Dispose();
                return null;
            }

            if (answer.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.PartialContent)) throw Refusal(repository, file.Name, answer);
            if (answer.Content.Headers.ContentEncoding.Any(encoding => encoding != "identity")) throw new HubException(HubFault.Refused, $"{what}: {HubWire.Shown(answer.RequestMessage!.RequestUri!)} packs it ({string.Join(", ", answer.Content.Headers.ContentEncoding)}), which was not asked for");
            var range = answer.Content.Headers.ContentRange;
            var start = answer.StatusCode == HttpStatusCode.PartialContent ? range?.From ?? offset : 0;
            if (start != 0 && start != offset) throw new HubException(HubFault.Untrustworthy, $"{what}: bytes from {offset} were asked for, bytes from {start} came");
            return new(await answer.Content.ReadAsStreamAsync(stop).ConfigureAwait(false), start, answer.Content.Headers.ContentLength, answer);
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    private Uri At(string path) => new(settings.Endpoint.ToString().TrimEnd('/') + path);

    private static string Checked(HubRepository repository, string name)
    {
        try
        {
            return HubNames.File(name);
        }
        catch (HubException e)
        {
            throw new HubException(e.Fault, $"{repository}: the hub's list has {e.Message}", e);
        }
    }

    // The tree tells sizes; without it they are learned file by file.
    private async Task Sizes(HubRepository repository, string commit, Dictionary<string, long?> files, CancellationToken stop)
    {
        for (var (page, at) = (0, $"/api/models/{repository.Id}/tree/{commit}?recursive=true&expand=false"); at is not null && page < 100; page++)
        {
            string? next = null;
            using var tree = await Json(repository, at, isOptional: true, stop, answer => next = Next(answer)).ConfigureAwait(false);
            if (tree?.RootElement.ValueKind != JsonValueKind.Array) return;
            foreach (var entry in tree.RootElement.EnumerateArray())
            {
                if (entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty("path", out var path) && path.ValueKind == JsonValueKind.String && files.ContainsKey(path.GetString()!)
                    && entry.TryGetProperty("size", out var size) && size.ValueKind == JsonValueKind.Number && size.TryGetInt64(out var bytes) && bytes >= 0) files[path.GetString()!] = bytes;
            }

            at = next;
        }
    }

    // Link: <…>; rel="next", on the hub itself.
    private string? Next(HttpResponseMessage answer)
    {
        if (HubWire.Header(answer, "Link") is not { } link || !link.Contains("rel=\"next\"", StringComparison.Ordinal) || link.IndexOf('<', StringComparison.Ordinal) is var from && from < 0) return null;
        var to = link.IndexOf('>', from);
        return to > from && HubWire.Target(settings.Endpoint, link[(from + 1)..to]) is { } uri && wire.IsHub(uri) ? uri.PathAndQuery : null;
    }

    /// <returns>Null where the hub has no such place to ask: a plain mirror.</returns>
    private Task<JsonDocument?> Json(HubRepository repository, string path, bool isOptional, CancellationToken stop, Action<HttpResponseMessage>? look = null) => wire.Try(async () =>
    {
        using var answer = await wire.Send(HttpMethod.Get, At(path), true, 0, repository.ToString(), stop).ConfigureAwait(false);
        var isPlain = isOptional && HubWire.Header(answer, "X-Error-Code") is null && (int)answer.StatusCode is 400 or 404 or 405 or 410 or 501;
        if (isPlain) return null;
        if (!answer.IsSuccessStatusCode) throw Refusal(repository, null, answer);
        look?.Invoke(answer);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(settings.LongPatience);
        try
        {
            using var bytes = new MemoryStream();
            await using var body = await answer.Content.ReadAsStreamAsync(patience.Token).ConfigureAwait(false);
            var buffer = new byte[1 << 16];
            for (int n; (n = await body.ReadAsync(buffer, patience.Token).ConfigureAwait(false)) > 0;)
            {
                if (bytes.Length + n > LongestJson) throw new HubException(HubFault.Untrustworthy, $"{repository}: {Name} answers with a list of more than {LongestJson >> 20} MB");
                bytes.Write(buffer, 0, n);
            }

            return (JsonDocument?)JsonDocument.Parse(bytes.ToArray());
        }
        catch (JsonException)
        {
            return isOptional ? null : throw new HubException(HubFault.Refused, $"{repository}: {Name} does not answer with JSON");
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new HubException(HubFault.Connection, $"{repository}: {settings.Endpoint.Authority} stalled within its list of files");
        }
        catch (Exception e) when (e is HttpRequestException or IOException and not HubException)
        {
            throw new HubException(HubFault.Connection, $"{repository}: {settings.Endpoint.Authority}: {HubWire.Reason(e)} within its list of files", e);
        }
    }, stop);

    private HubException Refusal(HubRepository repository, string? file, HttpResponseMessage answer)
    {
        var (status, code, uri) = ((int)answer.StatusCode, HubWire.Header(answer, "X-Error-Code"), answer.RequestMessage!.RequestUri!);
        if (!wire.IsHub(uri)) return new(HubFault.Refused, $"{repository}: {file}: {uri.Authority} answered {status}{HubWire.Named(answer.StatusCode)}");
        var token = settings.Token is null ? "set HF_TOKEN, or write a token to $HF_HOME/token" : "the token that was sent does not open it";
        return (status, code) switch
        {
            (_, "GatedRepo") => new(HubFault.Gated, $"{repository}: gated ({status}): accept its terms at {Name}/{repository.Id}; {token}"),
            (_, "RepoNotFound") => new(HubFault.NoRepository, $"{repository}: no such repository at {Name} ({status}); if it is a private one: {token}"),
            (_, "RevisionNotFound") => new(HubFault.NoRevision, $"{repository.Id}: no revision '{repository.Revision}' at {Name} ({status})"),
            (401, _) => new(HubFault.Unauthorized, $"{repository}: {Name} wants to know who asks (401): {token}"),
            (403, _) => new(HubFault.Unauthorized, $"{repository}: {Name} forbids it (403): {token}"),
            (404, _) when file is not null => new(HubFault.NoFile, $"{repository}: no file '{file}' at {Name} ({status})"),
            _ => new(HubFault.Refused, $"{repository}: {(file is null ? "" : file + ": ")}{Name} answered {status}{HubWire.Named(answer.StatusCode)}"),
        };
    }
}
