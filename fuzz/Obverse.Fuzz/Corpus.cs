namespace Obverse.Fuzz;

/// <summary>Files of the fixture tree to begin from, where there is one: <c>OBVERSE_FIXTURES</c>, or <c>../shared/fixtures</c> beside the repository.</summary>
internal static class Corpus
{
    private static readonly string? root = Find();

    /// <summary>Every file of at most <paramref name="longest"/> bytes below a folder of the tree whose name fits; nothing where there is no tree.</summary>
    public static IEnumerable<byte[]> Files(string below, string pattern, long longest)
    {
        var folder = root is null ? "" : Path.Combine(root, below);
        if (!Directory.Exists(folder)) return [];
        return Directory.EnumerateFiles(folder, pattern, SearchOption.AllDirectories).Where(file => new FileInfo(file).Length <= longest).Order(StringComparer.Ordinal).Select(File.ReadAllBytes);
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("OBVERSE_FIXTURES") is { Length: > 0 } named) return named;
        for (var at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
        {
            if (File.Exists(Path.Combine(at, "Obverse.slnx"))) return Path.Combine(at, "..", "shared", "fixtures");
        }

        return null;
    }
}
