using System.Text.Json;
using Obverse.Files;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>One picture of a batch: its prompt, its file below the folder, and its seed, if it has its own.</summary>
internal sealed record BatchItem(int Line, Prompt Prompt, string File, ulong? Seed);

/// <summary>Prompts from a file: one per line, or JSON lines <c>{"prompt": "a fox", "seed": 7, "file": "fox.png"}</c>; <c>caption</c> or the first of <c>captions</c> serves for <c>prompt</c>.</summary>
internal static class BatchLines
{
    /// <exception cref="InvalidDataException">A line without a prompt; the message names the line.</exception>
    public static IReadOnlyList<BatchItem> Read(string path)
    {
        var lines = TextLines.Read(path);
        var isJson = path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase);
        var digits = Math.Max(4, lines.Length.ToString(System.Globalization.CultureInfo.InvariantCulture).Length);
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
                throw new InvalidDataException($"{path}, line {i + 1}: {wrong.Message.Split('\n')[0]}", wrong);
            }
        }

        if (items.GroupBy(item => item.File).FirstOrDefault(group => group.Count() > 1) is { } twice) throw new InvalidDataException($"{path}, line {twice.Last().Line}: '{twice.Key}' is also the file of line {twice.First().Line}");
        return items.Count > 0 ? items : throw new InvalidDataException($"{path}: holds no prompts");
    }

    private static BatchItem OfJson(string line, int number, int digits)
    {
        using var json = JsonDocument.Parse(line);
        var root = json.RootElement;
        string? Text(string name) => root.TryGetProperty(name, out var value) ? value.GetString() : null;
        var prompt = Text("prompt") ?? Text("caption") ?? (root.TryGetProperty("captions", out var captions) && captions.GetArrayLength() > 0 ? captions[0].GetString() : null) ?? throw new FormatException("a \"prompt\" (or \"caption\", or \"captions\") was wanted");
        var file = root.TryGetProperty("prompt", out _) || root.TryGetProperty("caption", out _) ? Text("file") : null; // beside captions, "file" is the picture they describe
        return Of(number, prompt, root.TryGetProperty("seed", out var seed) ? seed.GetUInt64() : null, file, digits);
    }

    private static BatchItem Of(int line, string prompt, ulong? seed, string? file, int digits)
    {
        if (file is not null && (Path.IsPathRooted(file) || file.Split('/', '\\').Contains("..") || !file.EndsWith(".png", StringComparison.OrdinalIgnoreCase))) throw new FormatException($"file '{file}': a .png inside the output folder was wanted");
        var parsed = Prompt.Parse(prompt);
        return new(line, parsed, file ?? line.ToString($"D{digits}", System.Globalization.CultureInfo.InvariantCulture) + "-" + FileNames.Slug(parsed.ToString()) + ".png", seed);
    }
}
