using System.Text.Json;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Training;

namespace Obverse.Cli;

/// <summary>Where an index takes its pictures from: files and folders, a file of captions, a picture set of `obverse data pocket`.</summary>
internal static class IndexSources
{
    private static readonly string[] endings = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"];

    public static bool IsLines(string source) => Path.GetExtension(source).Equals(".jsonl", StringComparison.OrdinalIgnoreCase) && !Directory.Exists(source);

    public static bool IsSet(string source) => File.Exists(Path.Combine(source, "pocket.jsonl")) && File.Exists(Path.Combine(source, "pocket.pics"));

    /// <summary>A picture file, or a folder with what is in its folders; without words for them their names are the captions.</summary>
    /// <exception cref="UsageException">A picture without a caption, or no picture.</exception>
    public static IEnumerable<PictureToIndex> OfFiles(string source, IReadOnlyDictionary<string, string>? words, string? wordsFile)
    {
        foreach (var file in Files(source))
        {
            if (words is null) yield return PictureToIndex.OfFile(file, NameInWords(file)) with { IsGuessed = true };
            else yield return PictureToIndex.OfFile(file, words.GetValueOrDefault(Path.GetFileName(file)) ?? throw new UsageException($"{file}: has no caption in {wordsFile}"));
        }
    }

    /// <summary>A line a picture: <c>{"file": "relative/path.jpg", "captions": ["…", …]}</c>; paths are relative to the file.</summary>
    /// <exception cref="InvalidDataException">A line that is something else, by its number.</exception>
    public static IEnumerable<PictureToIndex> OfLines(string path)
    {
        var folder = Path.GetDirectoryName(path) ?? "";
        foreach (var (line, number) in TextLines.Read(path).Select((line, i) => (line, i + 1)).Where(one => one.line.Trim().Length > 0))
        {
            PictureLine? said;
            try
            {
                said = JsonSerializer.Deserialize<PictureLine>(line, JsonSerializerOptions.Web);
            }
            catch (JsonException wrong)
            {
                throw new InvalidDataException($"{path}, line {number}: is not {PictureLine.Wanted} ({wrong.Message.Split('\n')[0]})", wrong);
            }

            if (said is not { File.Length: > 0, Captions: { Count: > 0 } captions } || captions.Any(string.IsNullOrWhiteSpace)) throw new InvalidDataException($"{path}, line {number}: {PictureLine.Wanted} was wanted");
            yield return PictureToIndex.OfFile(Path.Combine(folder, said.File), captions);
        }
    }

    /// <summary>`FILE, a tab, a caption`, a line a picture.</summary>
    public static Dictionary<string, string> CaptionsOf(string path)
    {
        var found = new Dictionary<string, string>();
        foreach (var (line, number) in TextLines.Read(path).Select((line, i) => (line, i + 1)).Where(one => one.line.Length > 0))
        {
            if (line.Split('\t') is not [var name, { Length: > 0 } caption]) throw new InvalidDataException($"{path}, line {number}: a file name, a tab and a caption were wanted");
            found[name] = caption;
        }

        return found;
    }

    /// <summary>What <paramref name="model"/> may have seen of a set: all of it, or so many, half of them photographs, evenly over the classes of each half; or photographs only.</summary>
    public static IEnumerable<PictureToIndex> OfSet(PictureSet set, string model, int? count, int seed, bool photos = false) => SetSample.Of(set, set.SeenBy(Path.GetFileName(model.TrimEnd('/'))).Where(i => !photos || set.Entries[i].IsPhoto), count, seed).Select(i =>
        PictureToIndex.OfBytes($"{set.Entries[i].Style}/{set.Entries[i].Source}", () => set.Bytes(i), () => SetPicture.File(set, i), Captions.Plain(set.Entries[i])));

    /// <summary>The word "pocket" is the set where `obverse data pocket` puts it.</summary>
    /// <exception cref="UsageException">It is not there.</exception>
    public static string Meant(string source) => source != "pocket" || File.Exists(source) || Directory.Exists(source) ? source
        : IsSet("pocket-data") ? "pocket-data" : throw new UsageException("pocket: there is no picture set in pocket-data here; `obverse data pocket` builds it, and another folder's set is given by its folder");

    private static IEnumerable<string> Files(string source)
    {
        if (!Directory.Exists(source)) return File.Exists(source) ? [source] : throw new FileNotFoundException($"{source}: no such picture or folder");
        return Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories).Where(file => endings.Contains(Path.GetExtension(file).ToLowerInvariant())).Order(StringComparer.Ordinal);
    }

    private static string NameInWords(string path) => Path.GetFileNameWithoutExtension(path).Replace('-', ' ').Replace('_', ' ');

    private sealed record PictureLine(string? File, IReadOnlyList<string>? Captions)
    {
        public const string Wanted = """{"file": "path", "captions": ["…"]}""";
    }
}
