namespace Obverse.Files;

/// <summary>A folder as a hub: OWNER/NAME/resolve/REVISION/ with a repository's files, or OWNER/NAME/ with them. Blobs are named as the hub would.</summary>
internal sealed class MirrorFolder(string folder) : IHubSource
{
    // What the hub stores as large files whatever their size (its default .gitattributes), and from which size it does so with all.
    private static readonly string[] large = [".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gz", ".h5", ".msgpack", ".onnx", ".zip", ".tar", ".npz", ".npy", ".model", ".pkl"];
    private const long LargeFrom = 10_000_000;

    public string Name => folder;

    public Task<HubListing> List(HubRepository repository, CancellationToken stop)
    {
        var root = Root(repository);
        var files = new Dictionary<string, long?>(StringComparer.Ordinal);
        foreach (var file in Below(new DirectoryInfo(root), isTop: true)) files[HubNames.File(Path.GetRelativePath(root, file.FullName).Replace(Path.DirectorySeparatorChar, '/'))] = HubCache.Length(file);
        return Task.FromResult(new HubListing(HubNames.IsCommit(repository.Revision) ? repository.Revision : null, files));
    }

    public Task<HubFile> Head(HubRepository repository, string name, Action<string>? missing, CancellationToken stop) => Task.Run(() =>
    {
        var path = Path.Combine(Root(repository), HubNames.File(name));
        if (!File.Exists(path)) throw new HubException(HubFault.NoFile, $"{repository}: no file '{name}' in {folder}");
        var size = HubCache.Length(new FileInfo(path));
        return new HubFile(name, size >= LargeFrom || large.Contains(Path.GetExtension(name).ToLowerInvariant()) ? BlobHash.Sha256(path, stop) : BlobHash.Git(path, stop), size, HubNames.IsCommit(repository.Revision) ? repository.Revision : null, path);
    }, stop);

    public Task<HubBody?> Open(HubRepository repository, HubFile file, long offset, CancellationToken stop)
    {
        var stream = new FileStream(file.From, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        if (offset > stream.Length) offset = 0;
        stream.Position = offset;
        return Task.FromResult<HubBody?>(new(stream, offset, stream.Length - offset, stream));
    }

    private string Root(HubRepository repository)
    {
        var plain = Path.Combine(folder, repository.Id);
        var resolved = Path.Combine(plain, "resolve", repository.Revision);
        if (Directory.Exists(resolved)) return resolved;
        if (!Directory.Exists(plain)) throw new HubException(HubFault.NoRepository, $"{repository}: no folder {plain}, and no {resolved}");
        return repository.Revision == HubRepository.DefaultRevision && !Directory.Exists(Path.Combine(plain, "resolve")) ? plain : throw new HubException(HubFault.NoRevision, $"{repository}: no folder {resolved}");
    }

    // Links to files are followed (a snapshot is made of them), links to folders and hidden folders are not.
    private static IEnumerable<FileInfo> Below(DirectoryInfo at, bool isTop)
    {
        foreach (var file in at.EnumerateFiles().Where(file => file.Exists && (!isTop || file.Name is not ".gitattributes"))) yield return file;
        foreach (var inner in at.EnumerateDirectories().Where(inner => inner.LinkTarget is null && !inner.Name.StartsWith('.')))
        {
            foreach (var file in Below(inner, isTop: false)) yield return file;
        }
    }
}
