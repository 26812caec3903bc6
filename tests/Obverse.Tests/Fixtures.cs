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

    /// <summary>Every file below <paramref name="relative"/> that the pattern names, whatever its folder is called, relative to the tree and without its ending; one that is not there where there is none, so that the theory can skip.</summary>
    /// <param name="where">Of the full path: whether this file is meant.</param>
    public static TheoryData<string> Files(string relative, string pattern, Func<string, bool>? where = null)
    {
        var rows = new TheoryData<string>();
        foreach (var file in Found(relative, pattern).Where(file => where?.Invoke(file) ?? true)) rows.Add(Path.ChangeExtension(Path.GetRelativePath(Root, file), null));
        if (!((IEnumerable<object[]>)rows).Any()) rows.Add(Path.Combine(relative, Path.GetFileNameWithoutExtension(pattern)));
        return rows;
    }

    /// <summary>Every folder below <paramref name="relative"/> that holds <paramref name="file"/>, relative to the tree; one empty row where there is none, so that the theory can skip.</summary>
    public static TheoryData<string> Folders(string relative, string file)
    {
        var rows = new TheoryData<string>();
        foreach (var found in Found(relative, file)) rows.Add(Path.GetRelativePath(Root, Path.GetDirectoryName(found)!));
        if (!((IEnumerable<object[]>)rows).Any()) rows.Add("");
        return rows;
    }

    /// <summary>Every trace of this kind (`kind` in its JSON).</summary>
    public static TheoryData<string> Traces(string kind, Func<JsonElement, bool>? where = null) => Files("traces", "*.json", file =>
    {
        using var json = JsonDocument.Parse(File.ReadAllText(file));
        return json.RootElement.TryGetProperty("kind", out var own) && own.GetString() == kind && (where is null || where(json.RootElement.GetProperty("config")));
    });

    /// <summary>A file that a case at this path names, from its own folder on.</summary>
    public static string Beside(string path, string? file) => Require(Path.Combine(Path.GetDirectoryName(path)!, file!));

    private static IEnumerable<string> Found(string relative, string pattern)
    {
        var top = Path.Combine(Root, relative);
        return Directory.Exists(top) ? Directory.EnumerateFiles(top, pattern, SearchOption.AllDirectories).Order(StringComparer.Ordinal) : [];
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
