using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Obverse.Files;

/// <summary>A revision of a repository as it lies in the cache.</summary>
public sealed record HubSnapshot(HubRepository Repository, string Commit, string Folder, IReadOnlyList<HubSnapshotFile> Files)
{
    public long Bytes => Files.Sum(file => file.Size);
}

/// <param name="Fetched">False where the cache had it already.</param>
public sealed record HubSnapshotFile(string Name, long Size, bool Fetched);

/// <summary>
/// Pulls repositories into the cache. Blobs come first, then the links, then the branch's name: a snapshot under a branch's name is whole, and
/// what a killed pull leaves is used by the next one.
/// </summary>
public sealed class HubClient(HubSettings settings)
{
    public HubCache Cache { get; } = new(settings.Cache);

    /// <param name="mirror">A folder to copy from instead of the net: OWNER/NAME/FILES or OWNER/NAME/resolve/REVISION/FILES.</param>
    /// <exception cref="HubException">It cannot be had; the message names the repository and the reason.</exception>
    public async Task<HubSnapshot> Pull(HubRepository repository, HubModelFiles? wanted = null, HubProgress? progress = null, string? mirror = null, CancellationToken stop = default)
    {
        if (mirror is null && settings.Offline is { } offline) throw new HubException(HubFault.Offline, $"{repository}: not pulled: {offline} is set");
        (wanted, progress) = (wanted ?? new(), progress ?? new());
        using var wire = new HubWire(settings, progress);
        IHubSource source = mirror is null ? new HttpHub(settings, wire) : new MirrorFolder(Path.GetFullPath(mirror));
        var pull = new Pulling(this, source, repository, progress, new BlobDownload(Cache, source, wire, settings, progress), await source.List(repository, stop).ConfigureAwait(false));

        var guessed = pull.Listing.Files is null ? await pull.Found(wanted.Guesses, stop).ConfigureAwait(false) : null;
        if (wanted.IsModel && guessed?.Contains(HubPipeline.Index) == true) guessed = await pull.Found(HubPipeline.Guesses, stop).ConfigureAwait(false);
        var chosen = wanted.Choose(guessed ?? [.. pull.Listing.Files!.Keys, .. wanted.Names]);
        if (chosen.Count == 0) throw new HubException(HubFault.NoFile, guessed is null ? $"{repository}: none of its {pull.Listing.Files!.Count} files is wanted: {HubNames.Shown(string.Join(", ", pull.Listing.Files.Keys.Take(8)))}" : $"{repository}: {source.Name} has no list of its files, and none of the names that models use");
        Cache.Prepare(repository);
        await pull.Fetch(chosen, stop).ConfigureAwait(false);
        foreach (var index in chosen.Where(name => wanted.IsModel && HubModelFiles.IsIndex(name))) // shards that no list named
        {
            var part = index.LastIndexOf('/') is >= 0 and var slash ? index[..(slash + 1)] : "";
            await pull.Fetch([.. WeightNames.Shards(pull.Blob(index)).Select(shard => part + shard).Where(shard => !chosen.Contains(shard) && !wanted.Exclude.Any(glob => HubModelFiles.Matches(glob, shard)))], stop).ConfigureAwait(false);
        }

        return pull.Finish();
    }

    private sealed class Pulling(HubClient client, IHubSource source, HubRepository repository, HubProgress progress, BlobDownload download, HubListing listing)
    {
        private readonly ConcurrentDictionary<string, HubFile> heads = new(StringComparer.Ordinal);
        private readonly ConcurrentDictionary<string, (string Path, string? Blob)> done = new(StringComparer.Ordinal);
        private string? commit = listing.Commit;

        public HubListing Listing => listing;

        public string Blob(string name) => done[name].Path;

        /// <summary>Those of the names that there are.</summary>
        public async Task<IReadOnlyCollection<string>> Found(IReadOnlyList<string> names, CancellationToken stop)
        {
            // The first alone: a hub that is not there or wants a token is reported once.
            foreach (var batch in new[] { names.Take(1), names.Skip(1) })
            {
                await Each(batch, async (name, token) =>
                {
                    try
                    {
                        await Head(name, token).ConfigureAwait(false);
                    }
                    catch (HubException e) when (e.Fault == HubFault.NoFile)
                    {
                    }
                }, stop).ConfigureAwait(false);
            }

            return [.. heads.Keys];
        }

        public async Task Fetch(IReadOnlyList<string> names, CancellationToken stop)
        {
            foreach (var name in names) progress.Expect(name, listing.Files?.GetValueOrDefault(name) ?? (heads.TryGetValue(name, out var head) ? head.Size : null));
            await Each(names, async (name, token) =>
            {
                if (commit is not null && client.Cache.Has(repository, commit, name, listing.Files?.GetValueOrDefault(name)))
                {
                    var path = Path.Combine(client.Cache.SnapshotFolder(repository, commit), name);
                    progress.At(name, HubCache.Length(new FileInfo(path)), 0);
                    done[name] = (path, null);
                    return;
                }

                var file = await Head(name, token).ConfigureAwait(false);
                var known = file.Hash is { } hash && File.Exists(client.Cache.Blob(repository, hash));
                var blob = await download.Fetch(At, file, token).ConfigureAwait(false);
                done[name] = (client.Cache.Blob(repository, blob), blob);
                if (known) heads[name] = file with { From = "" };
            }, stop).ConfigureAwait(false);
        }

        public HubSnapshot Finish()
        {
            // A plain mirror and a folder know of no commit: the content is one, the same everywhere.
            var at = commit ?? Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(string.Concat(done.OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => $"{file.Key}\0{file.Value.Blob}\n")))));
            foreach (var (name, (_, blob)) in done)
            {
                if (blob is not null) client.Cache.Link(repository, at, name, blob);
            }

            client.Cache.Point(repository, at);
            return new(repository, at, client.Cache.SnapshotFolder(repository, at), [.. done.OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => new HubSnapshotFile(file.Key, HubCache.Length(new FileInfo(file.Value.Path)), file.Value.Blob is not null && !(heads.TryGetValue(file.Key, out var head) && head.From.Length == 0)))]);
        }

        private HubRepository At => commit is null ? repository : repository with { Revision = commit, Spoken = repository.ToString() };

        private async Task<HubFile> Head(string name, CancellationToken stop)
        {
            if (heads.TryGetValue(name, out var known)) return known;
            var file = await source.Head(At, name, commit => client.Cache.Miss(repository, commit, name), stop).ConfigureAwait(false);
            if (file.Commit is { } here && (Interlocked.CompareExchange(ref commit, here, null) ?? here) != here) throw new HubException(HubFault.Untrustworthy, $"{repository}: {name} is of commit {here[..12]}, other files are of {commit![..12]}: it changed meanwhile; pull again");
            return heads[name] = file;
        }

        private Task Each(IEnumerable<string> names, Func<string, CancellationToken, Task> act, CancellationToken stop) =>
            System.Threading.Tasks.Parallel.ForEachAsync(names, new ParallelOptions { MaxDegreeOfParallelism = client.Parallel, CancellationToken = stop }, async (name, token) => await act(name, token).ConfigureAwait(false));
    }

    private int Parallel => settings.Parallel;
}
