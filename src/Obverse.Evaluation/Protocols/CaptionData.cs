using System.IO.Compression;
using System.Text.Json;
using Obverse.Files;

namespace Obverse.Evaluation;

/// <summary>A picture of a captioned data set: its file's name, people's captions of it, and the split it belongs to.</summary>
public sealed record CaptionedFile(string File, IReadOnlyList<string> Captions, string? Split);

/// <summary>
/// The forms in which COCO and Flickr30k come: COCO's own (captions_val2017.json: images, annotations); Karpathy's (dataset_coco.json, dataset_flickr30k.json: images with a split and sentences); and
/// lists, images with <c>file</c> and <c>captions</c>, as small cuts of COCO have them.
/// </summary>
public static class CaptionData
{
    /// <summary>Five captions are what the published recalls are of; COCO has six or seven of some pictures.</summary>
    public const int CaptionsPerPicture = 5;

    /// <param name="path">The JSON, or a zip that holds one.</param>
    /// <param name="captions">How many a picture, the first ones.</param>
    /// <exception cref="InvalidDataException">None of the forms.</exception>
    public static IReadOnlyList<CaptionedFile> Read(string path, int captions = CaptionsPerPicture)
    {
        OrdinaryFile.Checked(path, "file of captions");
        try
        {
            using var json = Parse(path);
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("images", out var images)) throw new JsonException("no list of images in it");
            var found = json.RootElement.TryGetProperty("annotations", out var annotations) ? OfCoco(images, annotations, captions) : images.EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } first && first.TryGetProperty("captions", out _) ? OfLists(images, captions) : OfKarpathy(images, captions);
            return found.Count > 0 ? found : throw new JsonException("no picture of it has a caption");
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new InvalidDataException($"{path}: is neither COCO's nor Karpathy's file of captions, nor a list of files with captions ({wrong.Message.Split('\n')[0].TrimEnd('.')})", wrong);
        }
    }

    /// <summary>The pictures of a split that lie in a folder or zip (or, as Karpathy's name them, in a folder of it), and how many of the file's do not.</summary>
    public static (PictureSource Set, int Missing) Find(string name, IReadOnlyList<CaptionedFile> files, string folder)
    {
        if (!Path.Exists(folder)) throw new DirectoryNotFoundException($"{folder}: no such folder or zip of pictures");
        var all = PictureSource.Open(folder);
        var places = all.Pictures.Index().ToDictionary(pair => pair.Item.Name.Replace('\\', '/'), pair => pair.Index);
        (CaptionedFile Of, int Row)[] there = [.. files.Select(one => (one, Row: places.TryGetValue(one.File, out var row) || places.TryGetValue(Path.GetFileName(one.File), out row) ? row : -1)).Where(pair => pair.Row >= 0)];
        if (there.Length == 0) throw new FileNotFoundException($"{folder}: holds none of the {files.Count:N0} pictures that {name} names, such as {files[0].File}");
        return (all.Choose([.. there.Select(pair => pair.Row)]).With(i => new(Path.GetFileName(there[i].Of.File), there[i].Of.Captions)), files.Count - there.Length);
    }

    private static IReadOnlyList<CaptionedFile> OfCoco(JsonElement images, JsonElement annotations, int captions)
    {
        var texts = annotations.EnumerateArray().GroupBy(one => one.GetProperty("image_id").GetInt64(), one => one.GetProperty("caption").GetString()!.Trim()).ToDictionary(group => group.Key, group => group.Take(captions).ToArray());
        return [.. images.EnumerateArray().Where(one => texts.ContainsKey(one.GetProperty("id").GetInt64())).Select(one => new CaptionedFile(one.GetProperty("file_name").GetString()!, texts[one.GetProperty("id").GetInt64()], null))];
    }

    private static IReadOnlyList<CaptionedFile> OfLists(JsonElement images, int captions) =>
        [.. images.EnumerateArray().Select(one => new CaptionedFile(one.GetProperty("file").GetString()!, [.. one.GetProperty("captions").EnumerateArray().Take(captions).Select(text => text.GetString()!.Trim())], null)).Where(one => one.Captions.Count > 0)];

    private static JsonDocument Parse(string path)
    {
        using var file = File.OpenRead(path);
        if (Path.GetExtension(path).ToLowerInvariant() != ".zip") return JsonDocument.Parse(file);
        using var zip = new ZipArchive(file);
        ZipArchiveEntry[] found = [.. zip.Entries.Where(entry => entry.Name.EndsWith(".json", StringComparison.OrdinalIgnoreCase))];
        using var entry = found.Length == 1 ? found[0].Open() : throw new InvalidDataException($"{path}: holds {found.Length} .json files; one of captions was wanted");
        return JsonDocument.Parse(entry);
    }

    private static IReadOnlyList<CaptionedFile> OfKarpathy(JsonElement images, int captions) => [.. images.EnumerateArray().Select(one => new CaptionedFile(
        one.TryGetProperty("filepath", out var folder) ? $"{folder.GetString()}/{one.GetProperty("filename").GetString()}" : one.GetProperty("filename").GetString()!,
        [.. one.GetProperty("sentences").EnumerateArray().Take(captions).Select(sentence => sentence.GetProperty("raw").GetString()!.Trim())],
        one.TryGetProperty("split", out var split) ? split.GetString() : null)).Where(one => one.Captions.Count > 0)];
}
