using System.Globalization;
using System.Text.Json;
using Obverse.Files;

namespace Obverse.Jobs;

/// <summary>One sample of a batch: what its line says, its file below the folder; null: as the command has it.</summary>
public sealed record SampleLine(int Line, string File)
{
    public string? Prompt { get; init; }
    public string? Negative { get; init; }
    public ulong? Seed { get; init; }

    /// <summary>The picture to start from.</summary>
    public string? Init { get; init; }
    public double? Strength { get; init; }
    public string? Mask { get; init; }

    /// <summary>Reference pictures, each perhaps with a weight: "a.jpg:0.5".</summary>
    public IReadOnlyList<string> Images { get; init; } = [];
    public string? Edit { get; init; }
    public double? Alpha { get; init; }

    /// <summary>For messages and the sheet.</summary>
    public string Name => Prompt ?? string.Join(" + ", Images.Select(image => Path.GetFileName(image))) + (Edit is null ? "" : $" | {Edit}");
}

/// <summary>
/// Samples from a file, one a line: prompts, or JSON lines <c>{"prompt": …, "negative": …, "seed": …, "init": …, "strength": …, "mask": …, "file": …}</c>; for reference pictures
/// <c>{"images": ["a.jpg", "b.jpg:0.5"], "edit": …, "alpha": …}</c>, or a picture's path a line.
/// </summary>
public static class SampleLines
{
    /// <param name="path">The file; "-" is standard input.</param>
    /// <param name="ofPictures">Whether pictures are the prompts.</param>
    /// <param name="stop">Ends the wait for standard input.</param>
    /// <exception cref="InvalidDataException">A line that says nothing to draw; it names the line.</exception>
    public static IReadOnlyList<SampleLine> Read(string path, bool ofPictures, CancellationToken stop = default)
    {
        var lines = TextLines.Read(path, stop);
        var isJson = path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase);
        var digits = Math.Max(4, lines.Length.ToString(CultureInfo.InvariantCulture).Length);
        List<SampleLine> items = [];
        for (var i = 0; i < lines.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i])) continue;
            try
            {
                var one = isJson ? OfJson(lines[i], i + 1, ofPictures) : ofPictures ? new(i + 1, "") { Images = [lines[i].Trim()] } : new SampleLine(i + 1, "") { Prompt = lines[i].Trim() };
                items.Add(one.File.Length > 0 ? one with { File = BatchLines.Below(one.File) }
                    : one with { File = $"{(i + 1).ToString($"D{digits}", CultureInfo.InvariantCulture)}-{FileNames.Slug(ofPictures ? $"{Path.GetFileNameWithoutExtension(one.Images[0])} {one.Edit}" : one.Name)}.png" });
            }
            catch (Exception wrong) when (wrong is FormatException or JsonException or InvalidOperationException)
            {
                throw new InvalidDataException($"{path}, line {i + 1}: {wrong.Message.Split('\n')[0].TrimEnd('.')}", wrong);
            }
        }

        BatchLines.MustBeApart([.. items.Select(item => (item.Line, item.File))], path);
        return items.Count > 0 ? items : throw new InvalidDataException($"{path}: holds {(ofPictures ? "no pictures" : "no prompts")}");
    }

    private static SampleLine OfJson(string line, int number, bool ofPictures)
    {
        using var json = BatchLines.Parsed(line, ofPictures ? "{\"images\": […]}" : "{\"prompt\": \"…\"}");
        var root = json.RootElement;
        string? Text(string name) => BatchLines.Text(root, name);
        var one = new SampleLine(number, Text("file") ?? "") { Negative = Text("negative"), Seed = BatchLines.Seed(root) };
        if (ofPictures) return one with { Images = Images(root), Edit = Text("edit"), Alpha = Number(root, "alpha", -1000, 1000) };
        var own = Text("prompt") ?? Text("caption");
        if (own is null) one = one with { File = "" }; // of captions, "file" is the picture that they describe
        return one with { Prompt = own ?? BatchLines.First(root) ?? throw new FormatException("a \"prompt\" (or \"caption\", or \"captions\") was wanted"), Init = Text("init"), Strength = Number(root, "strength", 0.001, 1), Mask = Text("mask") };
    }

    private static IReadOnlyList<string> Images(JsonElement root)
    {
        if (BatchLines.Text(root, "image") is { } one) return [one];
        if (!root.TryGetProperty("images", out var all) || all.ValueKind != JsonValueKind.Array || all.GetArrayLength() == 0 || all.EnumerateArray().Any(image => image.ValueKind != JsonValueKind.String)) throw new FormatException("an \"image\", or a list of \"images\", was wanted");
        return [.. all.EnumerateArray().Select(image => image.GetString()!)];
    }

    private static double? Number(JsonElement root, string name, double low, double high)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= low && number <= high ? number : throw new FormatException(FormattableString.Invariant($"\"{name}\": {BatchLines.Shown(value)} was given, a number from {low} to {high} was wanted"));
    }
}
