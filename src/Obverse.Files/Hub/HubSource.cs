namespace Obverse.Files;

/// <summary>A repository as its source lists it.</summary>
/// <param name="Commit">Null where the source knows of none: a folder, or a plain mirror.</param>
/// <param name="Files">Names and, where the source gives them, sizes; null where the source cannot list: names have to be tried.</param>
internal sealed record HubListing(string? Commit, IReadOnlyDictionary<string, long?>? Files);

/// <summary>A file to fetch.</summary>
/// <param name="Hash">What it will be checked against and named by; null where the source gives none.</param>
/// <param name="From">Where its bytes are.</param>
/// <param name="IsTrusted">True where that is the hub itself, which may get the token.</param>
internal sealed record HubFile(string Name, string? Hash, long? Size, string? Commit, string From, bool IsTrusted = false)
{
    /// <summary>What its half is called: the hash, or one of where it comes from.</summary>
    public string Key { get; } = Hash ?? Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{From}\n{Size}")));
}

/// <summary>A file's bytes from <paramref name="Offset"/> on.</summary>
/// <param name="Length">How many are to come, where the source says.</param>
internal sealed record HubBody(Stream Stream, long Offset, long? Length, IDisposable Owner) : IDisposable
{
    public void Dispose()
    {
        Stream.Dispose();
        Owner.Dispose();
    }
}

/// <summary>Where files come from: a hub, or a folder laid out like one.</summary>
internal interface IHubSource
{
    /// <summary>For messages.</summary>
    string Name { get; }

    Task<HubListing> List(HubRepository repository, CancellationToken stop);

    /// <summary>What is known of a file before it is fetched.</summary>
    /// <exception cref="HubException">Of fault NoFile where there is none; then <paramref name="missing"/> has been given the commit that lacks it.</exception>
    Task<HubFile> Head(HubRepository repository, string name, Action<string>? missing, CancellationToken stop);

    /// <summary>Opens it at <paramref name="offset"/>, or at 0 where the source cannot.</summary>
    /// <returns>Null where the source says that it has nothing at that offset.</returns>
    Task<HubBody?> Open(HubRepository repository, HubFile file, long offset, CancellationToken stop);
}
