using System.IO.Compression;
using System.Text.Json;
using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Training;

/// <summary>Photographs in a folder or zip with a folder a class, as the public downloads of CIFAR-10, Tiny ImageNet and ImageNet come.</summary>
/// <remarks>
/// The class is the last folder above the file that is not called "images". A <c>classes.json</c> (a list of {"wnid", "names", "folder"})
/// or WordNet's <c>words.txt</c> gives the names; otherwise the folder's own name is it. What lies under "val" or "test" is left out.
/// </remarks>
public sealed class PhotoFolder : IDisposable
{
    readonly ZipArchive? zip;
    readonly string path;

    public PhotoFolder(string path)
    {
        this.path = path;
        if (File.Exists(path)) zip = ZipFile.OpenRead(path);
        else if (!Directory.Exists(path)) throw new FileNotFoundException($"No photographs at '{path}': wanted a folder or a zip with a folder a class.");
    }

    /// <summary>The file's name without its ending: the style of its entries.</summary>
    public string Name => zip is null ? new DirectoryInfo(path).Name : Path.GetFileNameWithoutExtension(path);

    /// <summary>Every JPEG file, in the order of its name; nothing but the file at hand is held in memory.</summary>
    public IEnumerable<(PictureEntry Entry, byte[] Jpeg)> Read()
    {
        var files = (zip is null
                ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(path, file).Replace('\\', '/'))
                : zip.Entries.Where(entry => entry.Name.Length > 0).Select(entry => entry.FullName))
            .Order(StringComparer.Ordinal).ToArray();
        var names = Names(files);
        Dictionary<string, PictureEntry> classes = [];
        foreach (var file in files)
        {
            if (!file.EndsWith(".jpg", StringComparison.OrdinalIgnoreCase) && !file.EndsWith(".jpeg", StringComparison.OrdinalIgnoreCase)) continue;
            var folders = file.Split('/')[..^1];
            if (folders.Any(folder => folder is "val" or "test")) continue;
            var label = folders.LastOrDefault(folder => folder != "images");
            if (label is null) continue;
            var bytes = Bytes(file);
            if (JpegSize(bytes) is not var (width, height)) throw new InvalidDataException($"'{file}' in '{path}' is no JPEG file.");
            if (!classes.TryGetValue(label, out var entry))
            {
                var all = names.TryGetValue(label, out var known) ? known : [label.Replace('_', ' ')];
                classes[label] = entry = new PictureEntry
                {
                    Style = Name, Label = label, Name = all[0], Names = all, Concept = FileNames.Slug(all[0], most: int.MaxValue), Split = PictureSet.Train,
                    Format = PictureFormat.Jpeg, Source = "", Width = 0, Height = 0,
                };
            }
            yield return (entry with { Source = file, Width = width, Height = height }, bytes);
        }
    }

    Dictionary<string, string[]> Names(string[] files)
    {
        Dictionary<string, string[]> names = [];
        if (files.FirstOrDefault(file => Path.GetFileName(file) == "words.txt") is { } words)
            foreach (var line in System.Text.Encoding.UTF8.GetString(Bytes(words)).Split('\n', StringSplitOptions.TrimEntries))
                if (line.Split('\t') is [var wnid, var list]) names[wnid] = list.Split(", ");
        if (files.FirstOrDefault(file => Path.GetFileName(file) == "classes.json") is { } classes)
            foreach (var given in JsonSerializer.Deserialize<ClassNames[]>(Bytes(classes), PictureSet.Json) ?? [])
                if (given.Names.Length > 0)
                    names[given.Folder ?? given.Wnid ?? throw new InvalidDataException($"A class of '{classes}' in '{path}' has neither folder nor wnid.")] = [.. given.Names.Select(name => name.Replace('_', ' '))];
        return names;
    }

    sealed record ClassNames(string? Wnid, string[] Names, string? Folder);

    byte[] Bytes(string file)
    {
        if (zip is null) return Picture.ReadFile(Path.Combine(path, file));
        var entry = zip.GetEntry(file)!;
        if (entry.Length > 64 << 20) throw new InvalidDataException($"'{file}' in '{path}' says it holds {entry.Length} bytes; no photograph here should pass 64 MB.");
        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Width and height from the frame header (ITU T.81, B.2.2), without decoding.</summary>
    internal static (int Width, int Height)? JpegSize(ReadOnlySpan<byte> jpeg)
    {
        if (jpeg.Length < 4 || jpeg[0] != 0xFF || jpeg[1] != 0xD8) return null;
        for (var at = 2; at + 9 <= jpeg.Length;)
        {
            if (jpeg[at] != 0xFF) return null;
            var marker = jpeg[at + 1];
            if (marker == 0xFF) { at++; continue; }                                        // fill bytes
            if (marker is 0x01 or (>= 0xD0 and <= 0xD7)) { at += 2; continue; }            // no length
            if (marker is >= 0xC0 and <= 0xCF and not 0xC4 and not 0xC8 and not 0xCC) return (jpeg[at + 7] << 8 | jpeg[at + 8], jpeg[at + 5] << 8 | jpeg[at + 6]);
            if (marker is 0xDA or 0xD9) return null;                                       // pixels before a frame
            at += 2 + (jpeg[at + 2] << 8 | jpeg[at + 3]);
        }
        return null;
    }

    public void Dispose() => zip?.Dispose();
}
