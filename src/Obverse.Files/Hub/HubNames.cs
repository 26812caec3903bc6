using System.Text.RegularExpressions;

namespace Obverse.Files;

/// <summary>Names that a server or a user gives and that become paths: what could lead out of the cache is refused.</summary>
internal static partial class HubNames
{
    /// <summary>A file's path in its repository, with '/' between folders.</summary>
    public static string File(string name) => IsPath(name) ? name : throw new HubException(HubFault.Untrustworthy, $"file name '{Shown(name)}': a relative path without '..', '\\' and control characters was wanted");

    /// <summary>A branch, a tag, a commit, or "refs/pr/1".</summary>
    public static string Revision(string revision) => IsPath(revision) ? revision : throw new FormatException($"revision '{Shown(revision)}' was given, a branch, a tag or a commit was wanted");

    /// <summary>The 40 hexadecimal digits of a commit.</summary>
    public static bool IsCommit(string? revision) => revision is not null && Commit().IsMatch(revision);

    /// <summary>A git blob's SHA-1 or a large file's SHA-256, in hexadecimal.</summary>
    public static bool IsHash(string? etag) => etag is not null && Hash().IsMatch(etag);

    /// <summary>The tag without W/ and quotes.</summary>
    public static string? Bare(string? etag)
    {
        if (etag is null) return null;
        etag = etag.Trim();
        if (etag.StartsWith("W/", StringComparison.Ordinal)) etag = etag[2..];
        return etag.Trim('"');
    }

    /// <summary>Foreign text for a message: cut, and without what moves a cursor.</summary>
    public static string Shown(string text)
    {
        var plain = string.Concat(text.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return plain.Length <= 80 ? plain : plain[..80] + "…";
    }

    private static bool IsPath(string path) =>
        path.Length is > 0 and <= 1024 && !path.Any(c => c == '\\' || char.IsControl(c)) && !(path.Length > 1 && path[1] == ':')
        && path.Split('/').All(part => part is not ("" or "." or "..") && System.Text.Encoding.UTF8.GetByteCount(part) <= 240);

    [GeneratedRegex(@"^[0-9a-f]{40}\z")]
    private static partial Regex Commit();

    [GeneratedRegex(@"^([0-9a-f]{40}|[0-9a-f]{64})\z")]
    private static partial Regex Hash();
}
