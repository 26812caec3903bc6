using System.Text.Json;
using Xunit;

namespace Obverse.Tests;

/// <summary>Where the reference outputs are: <c>OBVERSE_FIXTURES</c>, else <c>../shared/fixtures</c> beside the repository, else the small tree inside it, <c>tests/fixtures</c>.</summary>
public static class Fixtures
{
    public static string RepositoryRoot { get; } = FindRoot();

    public static string Root { get; } = FindTree();

    /// <summary>Pictures, weights and texts that no registry has: <c>../shared/data</c>.</summary>
    public static string Data => Path.GetFullPath(Path.Combine(RepositoryRoot, "..", "shared", "data"));

    /// <summary>The folder or file below the fixture tree; skips the test, with the path as the reason, where it is not there.</summary>
    public static string Require(string relative)
    {
        var path = Path.Combine(Root, relative);
        Skip.IfNot(File.Exists(path) || Directory.Exists(path), $"no fixture at {path} (set OBVERSE_FIXTURES)");
        return path;
    }

    /// <summary>Every folder below <paramref name="relative"/> that holds <paramref name="file"/>, relative to the tree; one empty row where there is none, so that the theory can skip.</summary>
    public static TheoryData<string> Folders(string relative, string file)
    {
        var rows = new TheoryData<string>();
        var top = Path.Combine(Root, relative);
        if (Directory.Exists(top))
        {
            foreach (var found in Directory.EnumerateFiles(top, file, SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            {
                rows.Add(Path.GetRelativePath(Root, Path.GetDirectoryName(found)!));
            }
        }

        if (!((IEnumerable<object[]>)rows).GetEnumerator().MoveNext()) rows.Add("");
        return rows;
    }

    /// <summary>Every trace of this kind (`kind` in its JSON), whatever its folder is called, relative to the tree and without its ending; one that is not there where there is none, so that the theory can skip.</summary>
    public static TheoryData<string> Traces(string kind, Func<JsonElement, bool>? where = null)
    {
        var rows = new TheoryData<string>();
        var top = Path.Combine(Root, "traces");
        if (Directory.Exists(top))
        {
            foreach (var file in Directory.EnumerateFiles(top, "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            {
                using var json = JsonDocument.Parse(File.ReadAllText(file));
                if (json.RootElement.TryGetProperty("kind", out var own) && own.GetString() == kind && (where is null || where(json.RootElement.GetProperty("config")))) rows.Add(Path.ChangeExtension(Path.GetRelativePath(Root, file), null));
            }
        }

        if (!((IEnumerable<object[]>)rows).GetEnumerator().MoveNext()) rows.Add($"traces/{kind}/trace");
        return rows;
    }

    private static string FindTree()
    {
        if (Environment.GetEnvironmentVariable("OBVERSE_FIXTURES") is { Length: > 0 } named) return Path.GetFullPath(named);
        var full = Path.GetFullPath(Path.Combine(RepositoryRoot, "..", "shared", "fixtures"));
        return Directory.Exists(full) ? full : Path.Combine(RepositoryRoot, "tests", "fixtures");
    }

    private static string FindRoot()
    {
        var at = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(at, "Obverse.slnx")))
        {
            at = Path.GetDirectoryName(at) ?? throw new DirectoryNotFoundException("no Obverse.slnx above " + AppContext.BaseDirectory);
        }

        return at;
    }
}
