namespace Obverse.Files;

/// <summary>A file of a snapshot.</summary>
public sealed record CachedFile(string Name, long Size);

public sealed partial class HubCache
{
    /// <summary>A repository's commits in the cache, each with the branches and tags that name it.</summary>
    public IEnumerable<(string Commit, IReadOnlyList<string> Revisions)> Snapshots(string id)
    {
        var root = In(new(id, HubRepository.DefaultRevision));
        var (snapshots, refs) = (Path.Combine(root, "snapshots"), Path.Combine(root, "refs"));
        if (!Directory.Exists(snapshots)) yield break;
        var named = Directory.Exists(refs) ? Directory.EnumerateFiles(refs, "*", SearchOption.AllDirectories).ToLookup(file => File.ReadAllText(file).Trim(), file => Path.GetRelativePath(refs, file)) : null;
        foreach (var commit in Directory.EnumerateDirectories(snapshots).Select(path => Path.GetFileName(path)).Where(HubNames.IsCommit).Order(StringComparer.Ordinal))
        {
            yield return (commit, [.. named?[commit].Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>()]);
        }
    }

    /// <summary>A folder's files that are there, links followed.</summary>
    public static IReadOnlyList<CachedFile> Files(string folder) =>
        [.. new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Where(file => File.Exists(file.FullName)).Select(file => new CachedFile(Path.GetRelativePath(folder, file.FullName), Length(file))).OrderBy(file => file.Name, StringComparer.Ordinal)];

    /// <summary>True where a folder has a set of weights by one of the names that models use, with all its shards.</summary>
    public static bool IsModel(string folder) => HubModelFiles.IsWhole(folder);
}
