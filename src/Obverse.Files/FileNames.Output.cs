using System.Security.Cryptography;
using System.Text;

namespace Obverse.Files;

// Names of files to write, and whether they can be written: asked before a minute is spent on drawing.
public static partial class FileNames
{
    /// <summary>The path, or with "-2", "-3" … before its extension where that is taken.</summary>
    public static string Free(string path)
    {
        var free = path;
        for (var number = 2; Path.Exists(free); number++) free = Beside(path, $"-{number}");
        return free;
    }

    /// <summary>"fox.png" with "-seed7" becomes "fox-seed7.png"; <paramref name="extension"/> replaces the old one. Where the name would be longer than file systems take, its start is cut, and a hash says of what.</summary>
    public static string Beside(string path, string suffix, string? extension = null) =>
        Path.Combine(Path.GetDirectoryName(path) ?? "", Fitting(Path.GetFileNameWithoutExtension(path), suffix + (extension ?? Path.GetExtension(path))));

    /// <summary>A name of two parts, the first of which is cut where it must be.</summary>
    public static string Fitting(string stem, string rest)
    {
        if (!IsTooLong(stem + rest)) return stem + rest;
        rest = "-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(stem)).AsSpan(0, 4)) + rest;
        while (stem.Length > 0 && (IsTooLong(stem + rest) || char.IsHighSurrogate(stem[^1]))) stem = stem[..^1];
        return stem + rest;
    }

    /// <exception cref="IOException">The folder of the path is not there; none is made.</exception>
    public static void MustHaveFolder(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder)) throw new IOException($"{path}: cannot be written: there is no folder {folder}");
    }

    /// <summary>Writes N bytes beside the path and takes them away again.</summary>
    /// <exception cref="IOException">No such folder, no right to write there, or no room.</exception>
    public static void MustBeWritable(string path, long bytes = 1 << 16)
    {
        if (path.Length == 0) throw new ArgumentException("an output name is empty");
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
