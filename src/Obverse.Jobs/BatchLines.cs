using System.Globalization;
using System.Text.Json;
using Obverse.Files;

namespace Obverse.Jobs;

/// <summary>One picture of a batch: its prompt, its file below the folder, and its seed, if it has its own.</summary>
public sealed record BatchItem(int Line, Prompt Prompt, string File, ulong? Seed);

/// <summary>Prompts from a file: one per line, or JSON lines <c>{"prompt": "a fox", "seed": 7, "file": "fox.png"}</c>; <c>caption</c> or the first of <c>captions</c> serves for <c>prompt</c>.</summary>
public static class BatchLines
{
    /// <summary>The contact sheet's name: no picture may have it.</summary>
    public const string Sheet = "sheet.png";

    /// <exception cref="InvalidDataException">A line that says nothing to draw, or whose file is another line's; it names the line.</exception>
    public static IReadOnlyList<BatchItem> Read(string path, CancellationToken stop = default)
    {
        var lines = TextLines.Read(path, stop);
        var isJson = path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase);
        var digits = Math.Max(4, lines.Length.ToString(CultureInfo.InvariantCulture).Length);
        var items = new List<BatchItem>();
        for (var i = 0; i < lines.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i])) continue;
            try
            {
                items.Add(isJson ? OfJson(lines[i], i + 1, digits) : Of(i + 1, lines[i], null, null, digits));
            }
            catch (Exception wrong) when (wrong is FormatException or JsonException or InvalidOperationException)
            {
                throw new InvalidDataException($"{path}, line {i + 1}: {wrong.Message.Split('\n')[0].TrimEnd('.')}", wrong);
            }
        }

        MustBeApart([.. items.Select(item => (item.Line, item.File))], path);
        return items.Count > 0 ? items : throw new InvalidDataException($"{path}: holds no prompts");
    }

    // Neither two pictures in one file, nor a picture where another has a folder.
    internal static void MustBeApart(IReadOnlyList<(int Line, string File)> items, string path)
    {
        var lines = new Dictionary<string, int>(OperatingSystem.IsLinux() ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase);
        foreach (var item in items)
        {
            if (!lines.TryAdd(item.File, item.Line)) throw new InvalidDataException($"{path}, line {item.Line}: '{item.File}' is the file of line {lines[item.File]} too");
        }

        foreach (var item in items)
        {
            for (var at = item.File.IndexOf('/', StringComparison.Ordinal); at >= 0; at = item.File.IndexOf('/', at + 1))
            {
                if (lines.TryGetValue(item.File[..at], out var line)) throw new InvalidDataException($"{path}, line {item.Line}: '{item.File}' wants a folder where line {line} wants its file");
            }
        }
    }

    private static BatchItem OfJson(string line, int number, int digits)
    {
        using var json = Parsed(line);
        var root = json.RootElement;
        var own = Text(root, "prompt") ?? Text(root, "caption");
        // Of captions, "file" is the picture that they describe.
        return own is not null ? Of(number, own, Seed(root), Text(root, "file"), digits)
            : Of(number, First(root) ?? throw new FormatException("a \"prompt\" (or \"caption\", or \"captions\") was wanted"), Seed(root), null, digits);
    }

    /// <summary>A line's JSON object.</summary>
    internal static JsonDocument Parsed(string line, string wanted = "{\"prompt\": \"…\"}")
    {
        JsonDocument json;
        try
        {
            json = JsonDocument.Parse(line);
        }
        catch (JsonException wrong)
        {
            throw new FormatException($"is no JSON ({wrong.Message.Split(". ")[0].Split('\n')[0]}); {wanted} was wanted", wrong);
        }

        return json.RootElement.ValueKind == JsonValueKind.Object ? json : throw new FormatException($"{Shown(json.RootElement)} was given, {wanted} was wanted");
    }

    internal static string? Text(JsonElement root, string name)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind != JsonValueKind.String) throw new FormatException($"\"{name}\": {Shown(value)} was given, a text was wanted");
        string text;
        try
        {
            text = value.GetString()!;
        }
        catch (InvalidOperationException broken)
        {
            throw new FormatException($"\"{name}\": half of a character (a lone surrogate) is in it", broken);
        }

        return !text.Contains('\0') ? text : throw new FormatException($"\"{name}\": U+0000 is in it, which is no text");
    }

    internal static string? First(JsonElement root)
    {
        if (!root.TryGetProperty("captions", out var captions)) return null;
        if (captions.ValueKind != JsonValueKind.Array || captions.GetArrayLength() == 0 || captions[0].ValueKind != JsonValueKind.String) throw new FormatException($"\"captions\": {Shown(captions)} was given, a list of texts was wanted");
        return captions[0].GetString();
    }

    internal static ulong? Seed(JsonElement root)
    {
        if (!root.TryGetProperty("seed", out var seed) || seed.ValueKind == JsonValueKind.Null) return null;
        return seed.ValueKind == JsonValueKind.Number && seed.TryGetUInt64(out var number) ? number : throw new FormatException($"\"seed\": {Shown(seed)} was given, a whole number from 0 to {ulong.MaxValue} was wanted");
    }

    internal static string Shown(JsonElement value) => Visible.Start(value.GetRawText());

    private static BatchItem Of(int line, string prompt, ulong? seed, string? file, int digits)
    {
        var parsed = Prompt.Parse(prompt);
        return new(line, parsed, file is null ? line.ToString($"D{digits}", CultureInfo.InvariantCulture) + "-" + FileNames.Slug(parsed.ToString()) + ".png" : Below(file), seed);
    }

    // "./a.png" and "x//a.png" by one name each.
    internal static string Below(string file)
    {
        string[] parts = [.. (OperatingSystem.IsWindows() ? file.Replace('\\', '/') : file).Split('/').Where(part => part is not ("" or "."))];
        if (Path.IsPathRooted(file) || file.Split('/', '\\').Contains("..") || !file.EndsWith(".png", StringComparison.OrdinalIgnoreCase)) throw new FormatException($"file '{file}': a .png below the folder was wanted");
        if (parts.FirstOrDefault(FileNames.IsTooLong) is { } part) throw new FormatException($"file '{part[..40]}…': names of at most {FileNames.LongestName} were wanted");
        return parts is [var only] && only.Equals(Sheet, StringComparison.OrdinalIgnoreCase) ? throw new FormatException($"file '{file}': is the name of the batch's contact sheet; another was wanted") : string.Join('/', parts);
    }
}
