namespace Obverse.Files;

/// <summary>
/// The cache that the Python client keeps: models--OWNER--NAME/ with blobs/ named by hash, snapshots/COMMIT/ of relative links to them, refs/BRANCH
/// that holds a commit, .no_exist/COMMIT/ of what was asked for in vain; .locks/ beside.
/// </summary>
public sealed partial class HubCache(string folder)
{
    // With the mark that programs which make backups look for.
    private const string Tag = "Signature: 8a477f597d28d172789f06886806bc55\n# This file is a cache directory tag created by huggingface_hub.\n# For information about cache directory tags, see:\n#\thttps://bford.info/cachedir/\n";

    public string Folder => folder;

    /// <summary>The commit that a repository's revision is at in the cache; null where it is not there.</summary>
    public string? Commit(HubRepository repository)
    {
        if (HubNames.IsCommit(repository.Revision)) return repository.Revision;
        var file = Path.Combine(In(repository), "refs", repository.Revision);
        return File.Exists(file) && File.ReadAllText(file).Trim() is var commit && HubNames.IsCommit(commit) ? commit : null;
    }

    /// <summary>The folder with a revision's files; null where it is not in the cache.</summary>
    public string? Snapshot(HubRepository repository) => Commit(repository) is { } commit && SnapshotFolder(repository, commit) is var snapshot && Directory.Exists(snapshot) ? snapshot : null;

    /// <summary>Every repository in the cache.</summary>
    public IEnumerable<string> Repositories =>
        !Directory.Exists(folder) ? [] : Directory.EnumerateDirectories(folder).Select(path => HubRepository.IdOf(Path.GetFileName(path))).OfType<string>().Order(StringComparer.Ordinal);

    internal string In(HubRepository repository) => Path.Combine(folder, repository.Folder);

    internal string SnapshotFolder(HubRepository repository, string commit) => Path.Combine(In(repository), "snapshots", commit);

    internal string Blob(HubRepository repository, string name) => Path.Combine(In(repository), "blobs", name);

    internal string LockFile(HubRepository repository, string name) => Path.Combine(folder, ".locks", repository.Folder, name + ".lock");

    /// <summary>True where the snapshot has the file, whole so far as its link and its size tell.</summary>
    internal bool Has(HubRepository repository, string commit, string name, long? size) =>
        new FileInfo(Path.Combine(SnapshotFolder(repository, commit), HubNames.File(name))) is { Exists: true } file && (size is null || Length(file) == size);

    internal static long Length(FileInfo file) => (file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file).Length;

    /// <summary>Makes the folders of a repository, and the mark of a cache.</summary>
    internal void Prepare(HubRepository repository)
    {
        Directory.CreateDirectory(Path.Combine(In(repository), "blobs"));
        Directory.CreateDirectory(Path.Combine(In(repository), "snapshots"));
        Directory.CreateDirectory(Path.Combine(In(repository), "refs"));
        var tag = Path.Combine(folder, "CACHEDIR.TAG");
        if (!File.Exists(tag)) Appear(repository, tag, temporary => File.WriteAllText(temporary, Tag));
    }

    /// <summary>Puts a blob under its name into a snapshot: a relative link, or a copy where the file system has no links.</summary>
    internal void Link(HubRepository repository, string commit, string name, string blob)
    {
        var path = Path.Combine(SnapshotFolder(repository, commit), HubNames.File(name));
        var target = Path.GetRelativePath(Path.GetDirectoryName(path)!, Blob(repository, blob));
        if (new FileInfo(path).LinkTarget == target) return;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        Appear(repository, path, temporary =>
        {
            try
            {
                File.CreateSymbolicLink(temporary, target);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                File.Copy(Blob(repository, blob), temporary);
            }
        });
    }

    /// <summary>Remembers where a branch or tag was.</summary>
    internal void Point(HubRepository repository, string commit)
    {
        if (HubNames.IsCommit(repository.Revision) || Commit(repository) == commit) return;
        var path = Path.Combine(In(repository), "refs", HubNames.Revision(repository.Revision));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        Appear(repository, path, temporary => File.WriteAllText(temporary, commit));
    }

    /// <summary>Remembers that a revision has no such file.</summary>
    internal void Miss(HubRepository repository, string commit, string name)
    {
        var path = Path.Combine(In(repository), ".no_exist", commit, HubNames.File(name));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Open(path, FileMode.OpenOrCreate).Dispose();
    }

    // Made beside the locks, then renamed: the Python client would take a stray file in refs/ or snapshots/ for one of its own.
    private void Appear(HubRepository repository, string path, Action<string> make)
    {
        var beside = Path.Combine(folder, ".locks", repository.Folder);
        Directory.CreateDirectory(beside);
        var temporary = Path.Combine(beside, $"{Guid.NewGuid():N}.tmp");
        try
        {
            make(temporary);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
