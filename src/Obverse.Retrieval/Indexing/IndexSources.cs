using System.Text.Json;
using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Retrieval;

/// <summary>Captions by file name, from a file of lines: name, tab, caption.</summary>
/// <param name="Path">Of the file, for errors.</param>
public sealed record CaptionFile(string Path, IReadOnlyDictionary<string, string> Captions)
{
    /// <exception cref="InvalidDataException">A line that is something else, by its number.</exception>
    public static CaptionFile Parse(string path, IEnumerable<string> lines)
    {
        var found = new Dictionary<string, string>();
        foreach (var (number, line) in lines.Index().Where(one => one.Item.Length > 0))
        {
            if (line.Split('\t') is not [var name, { Length: > 0 } caption]) throw new InvalidDataException($"{path}, line {number + 1}: a file name, a tab and a caption were wanted");
            found[name] = caption;
        }

        return new(path, found);
    }
}

/// <summary>Where an index takes its pictures from: files, folders, a file of captions.</summary>
public static class IndexSources
{
    private static readonly string[] extensions = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"];

    /// <summary>A picture file; a folder with what is in its folders; or captions.jsonl, <c>{"file": "relative/path.jpg", "captions": ["…", …]}</c> a line, whose paths are relative to it.</summary>
    /// <param name="source">A path.</param>
    /// <param name="captions">Of files and folders; null: their names are the captions.</param>
    /// <exception cref="ArgumentException">A picture without a caption.</exception>
    /// <exception cref="InvalidDataException">A line that is something else, by its number.</exception>
    public static IEnumerable<PictureToIndex> Read(string source, CaptionFile? captions = null) =>
        Path.GetExtension(source).Equals(".jsonl", StringComparison.OrdinalIgnoreCase) && File.Exists(source) ? OfLines(source) : Files(source).Select(file => OfFile(file, captions));

    private static PictureToIndex OfFile(string file, CaptionFile? captions) =>
        captions is null ? PictureToIndex.OfFile(file, Path.GetFileNameWithoutExtension(file).Replace('-', ' ').Replace('_', ' ')) with { IsGuessed = true }
        : PictureToIndex.OfFile(file, captions.Captions.GetValueOrDefault(Path.GetFileName(file)) ?? throw new ArgumentException($"{file}: has no caption in {captions.Path}"));

    private static IEnumerable<PictureToIndex> OfLines(string path)
    {
        var folder = Path.GetDirectoryName(path) ?? "";
        foreach (var (number, line) in TextLines.Read(path).Index().Where(one => one.Item.Trim().Length > 0))
        {
            PictureLine? read;
            try
            {
                read = JsonSerializer.Deserialize<PictureLine>(line, JsonSerializerOptions.Web);
            }
            catch (JsonException wrong)
            {
                throw new InvalidDataException($"{path}, line {number + 1}: is not {PictureLine.Wanted} ({wrong.Message.Split('\n')[0]})", wrong);
            }

            if (read is not { File.Length: > 0, Captions: { Count: > 0 } captions } || captions.Any(string.IsNullOrWhiteSpace)) throw new InvalidDataException($"{path}, line {number + 1}: {PictureLine.Wanted} was wanted");
            yield return PictureToIndex.OfFile(Path.Combine(folder, read.File), captions);
        }
    }

    private static IEnumerable<string> Files(string source)
    {
        if (!Directory.Exists(source)) return File.Exists(source) ? [source] : throw new FileNotFoundException($"{source}: no such picture or folder");
        return Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories).Where(file => extensions.Contains(Path.GetExtension(file).ToLowerInvariant()) && !ContactSheet.IsSaved(file)).Order(StringComparer.Ordinal);
    }

    private sealed record PictureLine(string? File, IReadOnlyList<string>? Captions)
    {
        public const string Wanted = """{"file": "path", "captions": ["…"]}""";
    }
}
