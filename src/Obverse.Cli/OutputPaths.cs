using System.Text;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>Names of files to write, and whether they can be written: asked before a minute is spent on drawing.</summary>
internal static class OutputPaths
{
    /// <summary>"A fox | watercolour:0.4" becomes "a-fox-watercolour-0-4"; at most 60 letters.</summary>
    public static string Slug(string text)
    {
        var slug = new StringBuilder();
        foreach (var letter in text.ToLowerInvariant())
        {
            if (char.IsLetterOrDigit(letter)) slug.Append(letter);
            else if (slug.Length > 0 && slug[^1] != '-') slug.Append('-');
            if (slug.Length >= 60) break;
        }

        return slug.ToString().Trim('-') is { Length: > 0 } named ? named : "picture";
    }

    /// <summary>The path, or with "-2", "-3" … before its extension where that is taken.</summary>
    public static string Free(string path)
    {
        var free = path;
        for (var number = 2; Path.Exists(free); number++) free = Beside(path, $"-{number}");
        return free;
    }

    /// <summary>"fox.png" with "-seed7" becomes "fox-seed7.png"; <paramref name="extension"/> replaces the old one.</summary>
    public static string Beside(string path, string suffix, string? extension = null) =>
        Path.Combine(Path.GetDirectoryName(path) ?? "", Path.GetFileNameWithoutExtension(path) + suffix + (extension ?? Path.GetExtension(path)));

    /// <exception cref="UsageException">Another extension than those wanted.</exception>
    public static string Wanting(string option, string path, params string[] extensions) =>
        extensions.Contains(Path.GetExtension(path).ToLowerInvariant()) ? path : throw new UsageException($"{option}: '{path}' was given, a name ending in {string.Join(" or ", extensions)} was wanted");

    /// <summary>Writes so many bytes beside the path and takes them away again.</summary>
    /// <exception cref="IOException">No such folder, no right to write there, or no room.</exception>
    public static void MustBeWritable(string path, long bytes = 1 << 16)
    {
        if (path.Length == 0) throw new UsageException("an output name is empty");
        using var probe = AtomicFile.Open(path);
        try
        {
            var block = new byte[1 << 16];
            for (var left = Math.Min(bytes, 64 << 20); left > 0; left -= block.Length) probe.Stream.Write(block, 0, (int)Math.Min(left, block.Length));
            probe.Stream.Flush();
        }
        catch (IOException full)
        {
            throw new IOException($"{path}: cannot be written: {full.Message}", full);
        }
    }
}
