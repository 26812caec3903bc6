using System.IO.Compression;
using System.Text.Json;
using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Evaluation;

/// <summary>A picture of a set, its captions (the first is what it was drawn from or says first), and the subject it shows.</summary>
public sealed record SourcePicture(string Name, IReadOnlyList<string> Captions, string? Subject = null);

/// <summary>A set of pictures to be measured, and the archive it is read from until one of its views is disposed: a folder and what is in its folders, a zip, or captions.jsonl, <c>{"file": "relative/path.png", "captions": ["…"]}</c> a line. Bytes are read when asked for.</summary>
public sealed class PictureSource : IDisposable
{
    private static readonly string[] endings = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"];

    private readonly Func<int, byte[]> read;
    private readonly ZipArchive? zip;

    private PictureSource(string path, IReadOnlyList<SourcePicture> pictures, Func<int, byte[]> read, ZipArchive? zip = null)
    {
        (Path, Pictures, this.read, this.zip) = (path, pictures, read, zip);
        if (pictures.Count > 0) return;
        zip?.Dispose();
        throw new InvalidDataException($"{path}: holds no picture ({string.Join(", ", endings)})");
    }

    public string Path { get; }

    public IReadOnlyList<SourcePicture> Pictures { get; }

    /// <summary>The bytes of a picture's file.</summary>
    /// <exception cref="PictureException">It cannot be read.</exception>
    public byte[] Read(int index) => read(index);

    /// <summary>By what the path is; pictures in the order of their names, or of the lines.</summary>
    /// <exception cref="InvalidDataException">No picture, or a line that is something else.</exception>
    /// <exception cref="IOException">Nothing there.</exception>
    public static PictureSource Open(string path)
    {
        if (Directory.Exists(path)) return OfFolder(path);
        if (!File.Exists(path)) throw new FileNotFoundException($"{path}: no such folder, zip or captions.jsonl");
        return System.IO.Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".zip" => OfZip(path),
            ".jsonl" => OfLines(path),
            var other when endings.Contains(other) => Of(path, [new(path, [])], [path]),
            _ => throw new InvalidDataException($"{path}: a folder, a zip or captions.jsonl was wanted"),
        };
    }

    /// <summary>Files with captions at hand.</summary>
    public static PictureSource Of(string name, IReadOnlyList<SourcePicture> pictures, IReadOnlyList<string> files) => new(name, pictures, index => Picture.ReadFile(files[index]));

    /// <summary>The same pictures with the captions that <paramref name="captions"/> gives by index.</summary>
    public PictureSource With(Func<int, SourcePicture> captions) => new(Path, [.. Enumerable.Range(0, Pictures.Count).Select(captions)], read, zip);

    /// <summary>Some of the pictures, by index.</summary>
    public PictureSource Choose(IReadOnlyList<int> rows) => new(Path, [.. rows.Select(row => Pictures[row])], i => read(rows[i]), zip);

    public void Dispose() => zip?.Dispose();

    private static bool IsPicture(string name) => endings.Contains(System.IO.Path.GetExtension(name).ToLowerInvariant());

    private static PictureSource OfFolder(string folder)
    {
        string[] files = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(file => IsPicture(file) && !ContactSheet.IsSaved(file)).Order(StringComparer.Ordinal)];
        return Of(folder, [.. files.Select(file => new SourcePicture(System.IO.Path.GetRelativePath(folder, file), [], Subject(System.IO.Path.GetRelativePath(folder, file))))], files);
    }

    private static PictureSource OfZip(string path)
    {
        ZipArchive zip;
        try
        {
            zip = ZipFile.OpenRead(path);
        }
        catch (InvalidDataException wrong)
        {
            throw new InvalidDataException($"{path}: is no zip ({wrong.Message.TrimEnd('.')})", wrong);
        }

        ZipArchiveEntry[] entries = [.. zip.Entries.Where(entry => IsPicture(entry.Name)).OrderBy(entry => entry.FullName, StringComparer.Ordinal)];
        return new(path, [.. entries.Select(entry => new SourcePicture(entry.FullName, [], Subject(entry.FullName)))], index =>
        {
            lock (zip)
            {
                using var stream = entries[index].Open();
                return Picture.ReadBytes(stream, entries[index].Length, $"{path}: {entries[index].FullName}");
            }
        }, zip);
    }

    private static PictureSource OfLines(string path)
    {
        var folder = System.IO.Path.GetDirectoryName(path) ?? "";
        List<SourcePicture> pictures = [];
        foreach (var (number, line) in TextLines.Read(path).Index().Where(one => one.Item.Trim().Length > 0))
        {
            CaptionLine? one;
            try
            {
                one = JsonSerializer.Deserialize<CaptionLine>(line, JsonSerializerOptions.Web);
            }
            catch (JsonException wrong)
            {
                throw new InvalidDataException($"{path}, line {number + 1}: is not {CaptionLine.Wanted} ({wrong.Message.Split('\n')[0]})", wrong);
            }

            if (one is not { File.Length: > 0 } || one.Captions?.Any(string.IsNullOrWhiteSpace) == true) throw new InvalidDataException($"{path}, line {number + 1}: {CaptionLine.Wanted} was wanted");
            pictures.Add(new(one.File, one.Captions ?? [], one.Subject ?? Subject(one.File)));
        }

        return Of(path, pictures, [.. pictures.Select(picture => System.IO.Path.Combine(folder, picture.Name))]);
    }

    // The folder it lies in.
    private static string? Subject(string name) => name.Replace('\\', '/').Split('/') is [.., var folder, _] ? folder : null;

    private sealed record CaptionLine(string? File, IReadOnlyList<string>? Captions, string? Subject)
    {
        public const string Wanted = """{"file": "path", "captions": ["…"]}""";
    }
}
