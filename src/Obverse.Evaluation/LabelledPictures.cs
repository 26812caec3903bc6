using System.IO.Compression;
using Obverse.Imaging;
using Obverse.Models;

namespace Obverse.Evaluation;

/// <summary>A picture of a labelled set.</summary>
/// <param name="Name">Its path, or its path in the zip.</param>
/// <param name="Labels">Candidates for its class: the WordNet id of <c>name.wnid.jpg</c>, then the folder it lies in. Empty for a single picture.</param>
/// <param name="Read">The bytes of its file.</param>
public sealed record LabelledPicture(string Name, IReadOnlyList<string> Labels, Func<byte[]> Read)
{
    private static readonly string[] endings = [".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"];

    /// <summary>A single file, without a label.</summary>
    public static LabelledPicture OfFile(string path) => new(path, [], () => Picture.ReadFile(path));

    /// <summary>All of a folder (and its folders) or of a zip, in the order of their names.</summary>
    public static IReadOnlyList<LabelledPicture> OfSet(string path)
    {
        LabelledPicture[] found;
        if (Directory.Exists(path))
        {
            found = [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(file => IsPicture(file) && !ContactSheet.IsSaved(file)).Select(file => new LabelledPicture(file, LabelsOf(Path.GetRelativePath(path, file)), () => Picture.ReadFile(file)))];
        }
        else
        {
            // Each picture reopens the archive, so that nobody has to close it; the cost is reading its directory.
            using var zip = ZipFile.OpenRead(path);
            found = [.. zip.Entries.Where(entry => IsPicture(entry.Name)).Select(entry => new LabelledPicture($"{path}: {entry.FullName}", LabelsOf(entry.FullName), () => Unpacked(path, entry.FullName)))];
        }

        return found.Length > 0 ? [.. found.OrderBy(p => p.Name, StringComparer.Ordinal)] : throw new InvalidDataException($"{path}: holds no picture ({string.Join(", ", endings)})");
    }

    /// <summary>The classes of <paramref name="names"/> that a label names; empty if none. ImageNet's ids mean its names, and a name that WordNet gives to one class only means that class.</summary>
    public IReadOnlyList<int> Among(IReadOnlyList<string> names)
    {
        foreach (var label in Labels)
        {
            string[] words = wnids.Value.TryGetValue(label, out var entry) ? [entry.ClipName, .. entry.Synonyms]
                : ImageNet.NamedBy(label.Replace('_', ' ')) is [var only] ? [label, ImageNet.Classes[only].ClipName] : [label];
            foreach (var word in words)
            {
                int[] found = [.. Enumerable.Range(0, names.Count).Where(i => Word(names[i]) == Word(word))];
                if (found.Length > 0) return found;
            }
        }

        return [];
    }

    private static readonly Lazy<Dictionary<string, ClassName>> wnids = new(() => ImageNet.Classes.ToDictionary(c => c.Wnid));

    private static string Word(string text) => text.Replace('_', ' ').Trim().ToLowerInvariant();

    private static bool IsPicture(string name) => endings.Contains(Path.GetExtension(name).ToLowerInvariant());

    private static string[] LabelsOf(string path)
    {
        var parts = path.Split(['/', '\\']);
        string[] wnid = parts[^1].Split('.') is [.., var id, _] and { Length: > 2 } && id.Length == 9 && id[0] == 'n' && id.AsSpan(1).ContainsAnyExceptInRange('0', '9') == false ? [id] : [];
        return parts[..^1].LastOrDefault(folder => folder != "images") is { } above ? [.. wnid, above] : wnid; // Tiny ImageNet's classes hold a folder "images"
    }

    private static byte[] Unpacked(string path, string entry)
    {
        using var zip = ZipFile.OpenRead(path);
        var packed = zip.GetEntry(entry)!;
        using var stream = packed.Open();
        return Picture.ReadBytes(stream, packed.Length, $"{path}: {entry}");
    }
}
