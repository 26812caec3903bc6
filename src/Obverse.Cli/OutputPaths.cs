using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>Names of files to write, as options give them.</summary>
internal static class OutputPaths
{
    /// <exception cref="UsageException">Another extension than those wanted.</exception>
    public static string Wanting(string option, string path, params string[] extensions) =>
        extensions.Contains(Path.GetExtension(path).ToLowerInvariant()) ? path : throw new UsageException($"{option}: '{path}' was given, a name ending in {string.Join(" or ", extensions)} was wanted");
}
