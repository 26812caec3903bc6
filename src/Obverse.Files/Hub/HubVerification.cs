namespace Obverse.Files;

/// <summary>Something wrong in a cache.</summary>
/// <param name="Path">Below the cache's folder.</param>
public sealed record HubProblem(string Repository, string Path, string What);

/// <summary>What a verification says of files beside its problems, and what it asks.</summary>
public sealed record HubChecks
{
    /// <summary>Called with the name and size of each file that was compared with its hash.</summary>
    public Action<string, long>? OnHashed { get; init; }

    /// <summary>Called with the name and size of each file that has no hash: on file systems without links the Python client keeps no blobs, and mirrors name blobs otherwise.</summary>
    public Action<string, long>? OnUnhashed { get; init; }

    /// <summary>Reads a file that has no hash as far as its format tells whether it is whole; returns what is wrong with it, or null.</summary>
    public Func<string, string?>? FaultOf { get; init; }
}

/// <summary>Whether the cache still holds what the hub sent: every blob's hash, every link's target, halves of files, branches without a snapshot.</summary>
public static class HubVerification
{
    /// <param name="cache">The cache.</param>
    /// <param name="id">The repository, OWNER/NAME.</param>
    /// <param name="repair">Deletes what is wrong, so that the next pull fetches it again. Halves stay: the next pull goes on with them.</param>
    /// <param name="checks">What is called beside.</param>
    /// <param name="stop">Ends it.</param>
    public static IReadOnlyList<HubProblem> Check(HubCache cache, string id, bool repair, HubChecks? checks = null, CancellationToken stop = default)
    {
        var repository = new HubRepository(id, HubRepository.DefaultRevision);
        var root = cache.In(repository);
        List<HubProblem> problems = [];
        void Wrong(string path, string what, bool delete)
        {
            problems.Add(new(id, Path.GetRelativePath(cache.Folder, path), delete && repair ? what + "; deleted" : what));
            if (delete && repair) File.Delete(path);
        }

        var blobs = Path.Combine(root, "blobs");
        List<(string Hash, long Size)> hashed = [];
        foreach (var blob in Files(blobs))
        {
            var name = Path.GetFileName(blob);
            if (name.EndsWith(".incomplete", StringComparison.Ordinal)) Wrong(blob, $"half a file, {new FileInfo(blob).Length} bytes; the next pull goes on with it", false);
            else if (name.EndsWith(".lock", StringComparison.Ordinal)) continue; // old Python clients kept them here
            else if (HubNames.IsHash(name))
            {
                var hash = BlobHash.Like(name, blob, stop);
                hashed.Add((name, new FileInfo(blob).Length));
                checks?.OnHashed?.Invoke(name, hashed[^1].Size);
                if (hash != name) Wrong(blob, $"its {(name.Length == 64 ? "SHA-256" : "git SHA-1")} is {hash[..12]}…, not its name", true);
            }
        }

        HashSet<string> unhashed = [];
        var inside = Path.GetFullPath(blobs) + Path.DirectorySeparatorChar;
        foreach (var link in Files(Path.Combine(root, "snapshots")))
        {
            stop.ThrowIfCancellationRequested();
            if (new FileInfo(link).LinkTarget is not { } target)
            {
                if (Hashed(link) is { } hash) checks?.OnHashed?.Invoke(hash, new FileInfo(link).Length);
                else Unhashed(link, link);
                continue;
            }

            var to = Path.GetFullPath(target, Path.GetDirectoryName(link)!);
            if (!to.StartsWith(inside, StringComparison.Ordinal)) Wrong(link, $"links to {HubNames.Shown(target)}, outside its blobs", true);
            else if (!File.Exists(to)) Wrong(link, $"links to {Path.GetFileName(to)}, which is not there", true);
            else if (!HubNames.IsHash(Path.GetFileName(to)) && unhashed.Add(to)) Unhashed(link, to);
        }

        // A copy of a blob, where links were not to be had.
        string? Hashed(string file) => hashed.Where(blob => blob.Size == new FileInfo(file).Length && BlobHash.Like(blob.Hash, file, stop) == blob.Hash).Select(blob => blob.Hash).FirstOrDefault();

        void Unhashed(string path, string file)
        {
            var size = new FileInfo(file).Length;
            if ((size == 0 ? "is empty" : checks?.FaultOf?.Invoke(path)) is { } fault) Wrong(file, fault, true);
            else checks?.OnUnhashed?.Invoke(Path.GetRelativePath(cache.Folder, path), size);
        }

        foreach (var reference in Files(Path.Combine(root, "refs")))
        {
            var commit = File.ReadAllText(reference).Trim();
            if (!HubNames.IsCommit(commit)) Wrong(reference, $"holds '{HubNames.Shown(commit)}', which is no commit", true);
            else if (!Directory.Exists(cache.SnapshotFolder(repository, commit))) Wrong(reference, $"names {commit[..12]}…, which is not in the cache", true);
        }

        return problems;
    }

    private static IEnumerable<string> Files(string folder) => Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0, ReturnSpecialDirectories = false }).Order(StringComparer.Ordinal) : [];
}
