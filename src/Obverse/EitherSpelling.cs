using System.Text.Json;
using System.Text.Json.Serialization;

namespace Obverse;

/// <summary>A choice whose name is stored as it is in C# ("NearestExact"), and read in the spelling of other choices ("nearest-exact") too.</summary>
internal sealed class EitherSpelling<T> : JsonConverter<T>
    where T : struct, Enum
{
    public override T Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && reader.GetString() is { } text && text.Length > 0 && char.IsAsciiLetter(text[0]) && Enum.TryParse<T>(text.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var found)
            ? found : throw new JsonException($"one of {string.Join(", ", Enum.GetNames<T>().Select(JsonNamingPolicy.KebabCaseLower.ConvertName))} was wanted");

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
