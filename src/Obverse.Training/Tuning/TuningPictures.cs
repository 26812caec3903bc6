using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Training;

/// <summary>A picture to tune to, and the name of what it shows.</summary>
public sealed record TuningPicture(string Path, string Class)
{
    private static readonly string[] extensions = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"];

    /// <summary>Files as they are named; of a folder its pictures, and of a folder of folders those of each, whose class is the folder's name ("dog2": dog).</summary>
    /// <param name="paths">Files and folders.</param>
    /// <param name="name">The class of all; null: each its folder's.</param>
    /// <exception cref="FileNotFoundException">One is not there, or a folder holds no picture.</exception>
    public static IReadOnlyList<TuningPicture> Find(IReadOnlyList<string> paths, string? name = null) => [.. paths.SelectMany(path =>
    {
        if (File.Exists(path)) return [new TuningPicture(path, name ?? NameOf(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!))];
        if (!Directory.Exists(path)) throw new FileNotFoundException($"{path}: no such picture or folder");
        TuningPicture[] found = [.. ((string[])[path, .. Directory.EnumerateDirectories(path).Order(StringComparer.Ordinal)]).SelectMany(folder => Directory.EnumerateFiles(folder).Where(file => extensions.Contains(System.IO.Path.GetExtension(file).ToLowerInvariant()) && !ContactSheet.IsSaved(file)).Order(StringComparer.Ordinal).Select(file => new TuningPicture(file, name ?? NameOf(folder))))];
        return found.Length > 0 ? found : throw new FileNotFoundException($"{path}: no pictures in this folder ({string.Join(", ", extensions)})");
    })];

    internal Picture Load() => Picture.Load(Path).OnWhite();

    internal string Hash() => StoredFile.Hash(OrdinaryFile.Checked(Path, "picture"));

    private static string NameOf(string folder) => new DirectoryInfo(folder).Name.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-', '_').Replace('_', ' ') is { Length: > 0 } name ? name : new DirectoryInfo(folder).Name;
}
