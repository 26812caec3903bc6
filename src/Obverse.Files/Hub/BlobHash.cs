using System.Security.Cryptography;

namespace Obverse.Files;

/// <summary>The hashes that name blobs: SHA-256 of a large file, and git's SHA-1 ("blob N\0" before the content) of a small one.</summary>
internal static class BlobHash
{
    /// <summary>Like <paramref name="name"/>, by its length: 64 digits are a SHA-256, 40 are git's.</summary>
    public static string Like(string name, string path, CancellationToken stop = default) => name.Length == 64 ? Sha256(path, stop) : Git(path, stop);

    public static string Sha256(string path, CancellationToken stop = default) => Of(HashAlgorithmName.SHA256, path, false, stop);

    public static string Git(string path, CancellationToken stop = default) => Of(HashAlgorithmName.SHA1, path, true, stop);

    private static string Of(HashAlgorithmName algorithm, string path, bool git, CancellationToken stop)
    {
        using var hash = IncrementalHash.CreateHash(algorithm);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, FileOptions.SequentialScan);
        if (git) hash.AppendData(System.Text.Encoding.ASCII.GetBytes($"blob {file.Length}\0"));
        var buffer = new byte[1 << 18];
        for (int n; (n = file.Read(buffer)) > 0;)
        {
            stop.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, n);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
