using System.Text.Json;
using System.Text.Json.Nodes;
using Obverse.Files;

namespace Obverse.Models;

/// <summary>A <c>config.json</c> of diffusers: values by name, each with what diffusers takes where it is missing. What is not built is refused by name.</summary>
internal sealed class ComponentConfig
{
    private const int Largest = 1 << 20;
    private readonly string path;
    private readonly JsonObject root;

    private ComponentConfig(string path, JsonObject root) => (this.path, this.root) = (path, root);

    /// <param name="path">The file.</param>
    /// <param name="type">What its _class_name must be, where it has one; null: any.</param>
    public static ComponentConfig Read(string path, string? type)
    {
        if (!File.Exists(path)) throw new WeightsException($"{path}: no such file");
        try
        {
            if (new FileInfo(path).Length > 1 << 24) throw new WeightsException($"{path}: {new FileInfo(path).Length} bytes, which is no configuration");
            var root = JsonNode.Parse(File.ReadAllText(path), documentOptions: new() { AllowDuplicateProperties = false }) as JsonObject ?? throw new WeightsException($"{path}: not a JSON object");
            var config = new ComponentConfig(path, root);
            if (type is not null && root["_class_name"] is { } given && (given.GetValueKind() != JsonValueKind.String || given.GetValue<string>() != type)) throw config.Wrong($"_class_name is {Shown(given)}, wanted \"{type}\"");
            return config;
        }
        catch (JsonException e)
        {
            throw new WeightsException($"{path}: not JSON ({e.Message.ReplaceLineEndings(" ")})", e);
        }
    }

    public static void Write(string path, string type, JsonObject values)
    {
        var all = new JsonObject { ["_class_name"] = type };
        foreach (var (name, value) in values.ToArray())
        {
            values.Remove(name);
            all[name] = value;
        }

        AtomicFile.WriteText(path, all.ToJsonString(new() { WriteIndented = true }) + "\n");
    }

    public static JsonArray Row<T>(IEnumerable<T> values) => new([.. values.Select(value => JsonValue.Create(value))]);

    public bool Has(string name) => root[name] is not null;

    public int Whole(string name, int otherwise) => root[name] is not { } value ? otherwise : Whole(name, value);

    public double Number(string name, double otherwise) => root[name] is not { } value ? otherwise
        : value.GetValueKind() == JsonValueKind.Number && value.GetValue<double>() is var number && double.IsFinite(number) ? number : throw Wrong($"{name} is {Shown(value)}, wanted a number");

    public double Positive(string name, double otherwise) => Number(name, otherwise) is > 0 and var number ? number : throw Wrong($"{name} is {Shown(root[name])}, wanted a number above 0");

    public bool Flag(string name, bool otherwise) => root[name] is not { } value ? otherwise : value.GetValueKind() is JsonValueKind.True or JsonValueKind.False ? value.GetValue<bool>() : throw Wrong($"{name} is {Shown(value)}, wanted true or false");

    public string Word(string name, string otherwise) => root[name] is not { } value ? otherwise : value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : throw Wrong($"{name} is {Shown(value)}, wanted a text");

    /// <summary>Whole numbers above 0; a single number is a row of one.</summary>
    public int[] Row(string name, int[] otherwise) => root[name] switch
    {
        null => otherwise,
        JsonArray { Count: > 0 and < 64 } list => [.. list.Select(item => Whole(name, item))],
        var one => [Whole(name, one)],
    };

    public string[] Words(string name, string[] otherwise) => root[name] switch
    {
        null => otherwise,
        JsonArray { Count: > 0 and < 64 } list when list.All(item => item?.GetValueKind() == JsonValueKind.String) => [.. list.Select(item => item!.GetValue<string>())],
        var other => throw Wrong($"{name} is {Shown(other)}, wanted a row of names"),
    };

    /// <summary>Which of two names was given.</summary>
    public bool Choice(string name, string given, string yes, string no) => given == yes || (given == no ? false : throw NotBuilt($"{name} '{given}'", $"{yes} and {no}"));

    /// <summary>Refuses any other value than this one.</summary>
    public ComponentConfig Only(string name, JsonNode? wanted)
    {
        if (root[name] is { } given && !JsonNode.DeepEquals(given, wanted)) throw NotBuilt($"{name} = {Shown(given)}", wanted is null ? "none" : wanted.ToJsonString());
        return this;
    }

    public WeightsException Wrong(string what) => new($"{path}: {what}");

    public NotSupportedException NotBuilt(string what, string built) => new($"{path}: {what} is not built; {built} is");

    private int Whole(string name, JsonNode? value) => value?.GetValueKind() == JsonValueKind.Number && value.GetValue<double>() is >= 1 and <= Largest and var number && number == Math.Floor(number) ? (int)number
        : throw Wrong($"{name} is {Shown(value)}, wanted a whole number from 1 to {Largest}");

    private static string Shown(JsonNode? value) => (value?.ToJsonString() ?? "null") is var text && text.Length > 80 ? text[..80] + "…" : text;
}
