namespace Obverse.Files;

/// <summary>Something wrong in a cache.</summary>
/// <param name="Path">Below the cache's folder.</param>
public sealed record HubProblem(string Repository, string Path, string What);

/// <summary>Whether the cache still holds what the hub sent: every blob's hash, every link's target, halves of files, branches without a snapshot.</summary>
public static class HubVerification
{
    /// <param name="repair">Deletes what is wrong, so that the next pull fetches it again. Halves stay: the next pull goes on with them.</param>
    /// <param name="checkedBlob">Called with each blob that was read and its size.</param>
    public static IReadOnlyList<HubProblem> Check(HubCache cache, string id, bool repair, Action<string, long>? checkedBlob = null, CancellationToken stop = default)
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
        foreach (var blob in Files(blobs))
        {
            var name = Path.GetFileName(blob);
            if (name.EndsWith(".incomplete", StringComparison.Ordinal)) Wrong(blob, $"half a file, {new FileInfo(blob).Length} bytes; the next pull goes on with it", false);
            else if (name.EndsWith(".lock", StringComparison.Ordinal)) continue; // old Python clients kept them here
            else if (HubNames.IsHash(name))
            {
                var hash = BlobHash.Like(name, blob, stop);
                checkedBlob?.Invoke(name, new FileInfo(blob).Length);
                if (hash != name) Wrong(blob, $"its {(name.Length == 64 ? "SHA-256" : "git SHA-1")} is {hash[..12]}…, not its name", true);
            }
            else if (new FileInfo(blob).Length == 0) Wrong(blob, "is empty, and its name is no hash", true);
        }

        var inside = Path.GetFullPath(blobs) + Path.DirectorySeparatorChar;
        foreach (var link in Files(Path.Combine(root, "snapshots")))
        {
            if (new FileInfo(link).LinkTarget is not { } target) continue;
            var to = Path.GetFullPath(target, Path.GetDirectoryName(link)!);
            if (!to.StartsWith(inside, StringComparison.Ordinal)) Wrong(link, $"links to {HubNames.Shown(target)}, outside its blobs", true);
            else if (!File.Exists(to)) Wrong(link, $"links to {Path.GetFileName(to)}, which is not there", true);
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
