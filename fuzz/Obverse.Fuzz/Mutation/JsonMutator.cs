using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Obverse.Fuzz;

/// <summary>Changes a JSON document that stays one: values of other kinds and sizes, keys gone, renamed, doubled, moved.</summary>
internal static class JsonMutator
{
    private static readonly string[] values =
    [
        "null", "true", "false", "0", "1", "-1", "2", "3", "7", "0.5", "-0.0", "1.5", "2147483647", "2147483648", "-2147483648", "4294967296", "1152921504606846976", "9223372036854775807", "9223372036854775808",
        "1e308", "1e400", "-1e400", "1e-400", "\"\"", "\"a\"", "\"quick_gelu\"", "\"1\"", "\"../x\"", "\"\\u0000\"", "\"\\ud800\"", "[]", "{}", "[1]", "[0,0,0]", "[1,2,3]", "[\"a\",\"b\"]", "{\"a\":1}", "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
        "123456789012345678901234567890",
    ];

    private static readonly JsonWriterOptions relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Mutate(Random random, byte[] input)
    {
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(input);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return input;
        }

        if (root is null) return input;
        try
        {
            for (var n = random.Next(1, 4); n > 0; n--) Change(random, root);
            using var stream = new MemoryStream();
            using (var writer = new Utf8JsonWriter(stream, relaxed)) root.WriteTo(writer);
            var bytes = stream.ToArray();
            return random.Next(10) == 0 ? Double(random, bytes) : bytes;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException) // doubled keys, halves of pairs
        {
            return input;
        }
    }

    private static void Change(Random random, JsonNode root)
    {
        // Down a few levels, so that the top is changed as often as the many leaves.
        var node = root;
        for (var depth = random.Next(1, 8); depth > 0; depth--)
        {
            var children = node switch { JsonObject o => [.. o.Select(p => p.Value)], JsonArray a => a.ToArray(), _ => [] };
            if (children.Length == 0 || children[random.Next(children.Length)] is not { } child || child is JsonValue) break;
            node = child;
        }

        if (node is JsonObject { Count: > 0 } map)
        {
            var (key, value) = map.ElementAt(random.Next(map.Count));
            switch (random.Next(6))
            {
                case 0:
                    map.Remove(key);
                    break;
                case 1:
                    map.Remove(key);
                    map[random.Next(3) == 0 ? "" : key[..random.Next(key.Length + 1)] + (char)random.Next(32, 127)] = value;
                    break;
                case 2:
                    var other = map.ElementAt(random.Next(map.Count));
                    map[key] = other.Value?.DeepClone();
                    break;
                default:
                    map[key] = Near(random, value);
                    break;
            }
        }
        else if (node is JsonArray { Count: > 0 } list)
        {
            var at = random.Next(list.Count);
            switch (random.Next(4))
            {
                case 0:
                    list.RemoveAt(at);
                    break;
                case 1:
                    list.Add(list[at]?.DeepClone());
                    break;
                default:
                    list[at] = Near(random, list[at]);
                    break;
            }
        }
    }

    private static JsonNode? Near(Random random, JsonNode? value)
    {
        if (value is JsonValue && value.GetValueKind() == JsonValueKind.Number && random.Next(3) == 0)
        {
            var number = value.AsValue().TryGetValue<double>(out var d) ? d : 1;
            return JsonValue.Create((random.Next(5)) switch { 0 => number + 1, 1 => number - 1, 2 => -number, 3 => number * 2, _ => number / 3 });
        }

        return JsonNode.Parse(values[random.Next(values.Length)]);
    }

    // A key that is there twice: JsonNode cannot hold one, so it is written into the text.
    private static byte[] Double(Random random, byte[] json)
    {
        var text = Encoding.UTF8.GetString(json);
        var at = text.IndexOf('{', random.Next(text.Length));
        var end = at < 0 ? -1 : text.IndexOf(':', at);
        return end < 0 ? json : Encoding.UTF8.GetBytes(text.Insert(at + 1, text[(at + 1)..end] + ":" + values[random.Next(values.Length)] + ","));
    }
}
