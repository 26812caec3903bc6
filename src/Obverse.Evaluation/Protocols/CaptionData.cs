using System.Text.Json;
using Obverse.Files;

namespace Obverse.Evaluation;

/// <summary>A picture of a captioned data set: its file's name, people's captions of it, and the split it belongs to.</summary>
public sealed record CaptionedFile(string File, IReadOnlyList<string> Captions, string? Split);

/// <summary>
/// The two forms in which COCO and Flickr30k come: COCO's own (captions_val2017.json: images, annotations), and Karpathy's (dataset_coco.json, dataset_flickr30k.json: images with a split and sentences).
/// </summary>
public static class CaptionData
{
    /// <summary>Five captions are what the published recalls are of; COCO has six or seven of some pictures.</summary>
    public const int CaptionsPerPicture = 5;

    /// <exception cref="InvalidDataException">Neither form.</exception>
    public static IReadOnlyList<CaptionedFile> Read(string path, int captions = CaptionsPerPicture)
    {
        OrdinaryFile.Checked(path, "file of captions");
        try
        {
            using var stream = File.OpenRead(path);
            using var json = JsonDocument.Parse(stream);
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("images", out var images)) throw new JsonException("no list of images in it");
            var found = json.RootElement.TryGetProperty("annotations", out var annotations) ? OfCoco(images, annotations, captions) : OfKarpathy(images, captions);
            return found.Count > 0 ? found : throw new JsonException("no picture of it has a caption");
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new InvalidDataException($"{path}: is neither COCO's nor Karpathy's file of captions ({wrong.Message.Split('\n')[0].TrimEnd('.')})", wrong);
        }
    }

    /// <summary>The pictures of a split that lie in a folder (or, as Karpathy's name them, in a folder of it), and how many of the file's do not.</summary>
    public static (PictureSource Set, int Missing) Find(string name, IReadOnlyList<CaptionedFile> files, string folder)
    {
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"{folder}: no such folder of pictures");
        (CaptionedFile Of, string Path)[] there = [.. files.Select(one => (one, Path: new[] { Path.Combine(folder, one.File), Path.Combine(folder, Path.GetFileName(one.File)) }.FirstOrDefault(File.Exists))).Where(pair => pair.Path is not null).Select(pair => (pair.one, pair.Path!))];
        if (there.Length == 0) throw new FileNotFoundException($"{folder}: holds none of the {files.Count:N0} pictures that {name} names, such as {files[0].File}");
        return (PictureSource.Of(folder, [.. there.Select(pair => new SourcePicture(Path.GetFileName(pair.Of.File), pair.Of.Captions))], [.. there.Select(pair => pair.Path)]), files.Count - there.Length);
    }

    private static IReadOnlyList<CaptionedFile> OfCoco(JsonElement images, JsonElement annotations, int captions)
    {
        var texts = annotations.EnumerateArray().GroupBy(one => one.GetProperty("image_id").GetInt64(), one => one.GetProperty("caption").GetString()!.Trim()).ToDictionary(group => group.Key, group => group.Take(captions).ToArray());
        return [.. images.EnumerateArray().Where(one => texts.ContainsKey(one.GetProperty("id").GetInt64())).Select(one => new CaptionedFile(one.GetProperty("file_name").GetString()!, texts[one.GetProperty("id").GetInt64()], null))];
    }

    private static IReadOnlyList<CaptionedFile> OfKarpathy(JsonElement images, int captions) => [.. images.EnumerateArray().Select(one => new CaptionedFile(
        one.TryGetProperty("filepath", out var folder) ? $"{folder.GetString()}/{one.GetProperty("filename").GetString()}" : one.GetProperty("filename").GetString()!,
        [.. one.GetProperty("sentences").EnumerateArray().Take(captions).Select(sentence => sentence.GetProperty("raw").GetString()!.Trim())],
        one.TryGetProperty("split", out var split) ? split.GetString() : null)).Where(one => one.Captions.Count > 0)];
}
