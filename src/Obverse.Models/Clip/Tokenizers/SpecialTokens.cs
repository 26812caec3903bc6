using System.Text.Json;

namespace Obverse.Models;

/// <summary>What transformers' files beside a vocabulary say of padding: <c>tokenizer_config.json</c>, or the older <c>special_tokens_map.json</c>.</summary>
internal static class SpecialTokens
{
    /// <summary>The word that fills a row after the end, and the file that names it; null where none does.</summary>
    public static (string Word, string File)? Padding(string folder)
    {
        foreach (var name in (string[])["tokenizer_config.json", "special_tokens_map.json"])
        {
            var path = Path.Combine(folder, name);
            if (!File.Exists(path)) continue;
            using var json = Parse(path);
            if (json.RootElement.ValueKind != JsonValueKind.Object) throw new InvalidDataException($"{path}: {json.RootElement.ValueKind} found, a JSON object wanted");
            if (!json.RootElement.TryGetProperty("pad_token", out var token) || token.ValueKind == JsonValueKind.Null) continue;
            if (token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out var content)) token = content;
            return (Text(token) ?? throw new InvalidDataException($"{path}: pad_token is {token.ValueKind}, a text wanted"), path);
        }

        return null;
    }

    internal static JsonDocument Parse(string path)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(path));
        }
        catch (JsonException wrong)
        {
            throw new InvalidDataException($"{path}: not JSON ({wrong.Message.Split('.')[0].ReplaceLineEndings(" ")})");
        }
    }

    /// <summary>The string, or null: of another kind, or half of a surrogate pair, which is no text.</summary>
    internal static string? Text(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
