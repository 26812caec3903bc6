using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;

namespace Obverse;

/// <summary>Marks a part (a canvas plan, a view, an objective …) with its name in a job's JSON. No other registration is needed.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class PartAttribute(string name) : Attribute
{
    public string Name => name;
}

/// <summary>Marks the base type of parts with the JSON property that holds a part's name.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class PartsAttribute(string property) : Attribute
{
    public string Property => property;
}

/// <summary>How parts, recipes and jobs are written as JSON and read back.</summary>
public static class PartJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, AllowOutOfOrderMetadataProperties = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { AddParts } },
    };

    private static readonly JsonSerializerOptions indented = new(Options) { WriteIndented = true }, strict = new(Options) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    /// <exception cref="NotSupportedException">A part without a name.</exception>
    public static string Write<T>(T value, bool isIndented = false)
    {
        try
        {
            return JsonSerializer.Serialize(value, isIndented ? indented : Options);
        }
        catch (NotSupportedException wrong) when (Regex.Match(wrong.Message, "Runtime type '(.+?)' is not supported by polymorphic type") is { Success: true } type)
        {
            throw new NotSupportedException($"{type.Groups[1].Value} cannot be stored: [Part(\"a-name\")] above it gives it a name, in an assembly that is loaded before the first job is written or read", wrong);
        }
    }

    /// <param name="text">JSON.</param>
    /// <param name="isStrict">Whether a key that nothing reads is an error: of a file that people write, where it is a typing mistake.</param>
    /// <exception cref="JsonException">Not the JSON of a <typeparamref name="T"/>.</exception>
    public static T Read<T>(string text, bool isStrict = false) => JsonSerializer.Deserialize<T>(text, isStrict ? strict : Options) ?? throw new JsonException("null where a value was wanted");

    /// <summary>A part in one line, by the names of its JSON: <c>sgd, rate 0.2, stepCount 100</c>.</summary>
    public static string Line<T>(T part) => Line(JsonSerializer.SerializeToNode(part, Options));

    private static string Line(JsonNode? node) => node switch
    {
        JsonObject some => string.Join(", ", some.Select((pair, i) => (pair.Value is JsonObject or JsonArray) && i > 0 ? $"{pair.Key} ({Line(pair.Value)})" : i == 0 && pair.Value is JsonValue kind && kind.GetValueKind() == JsonValueKind.String ? kind.GetValue<string>() : $"{pair.Key} {Line(pair.Value)}")),
        JsonArray list => string.Join(list.Any(one => one is JsonObject) ? "; " : " ", list.Select(Line)),
        null => "none",
        _ => node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : node.ToJsonString(),
    };

    /// <summary>What is wrong and where, from the outermost list on: <c>recipe.objective.terms[0].weight: …</c>.</summary>
    internal static string Placed(JsonException wrong)
    {
        var end = wrong.Message.IndexOf(" Path: $", StringComparison.Ordinal);
        var (what, place) = (end < 0 ? wrong.Message : wrong.Message[..end], (wrong.Path ?? "").TrimStart('$', '.'));
        what = Plain(what, place);
        return what.StartsWith('[') ? place + what : place.Length > 0 ? $"{place}: {what}" : what;
    }

    // The serialiser speaks of .NET's types; a recipe's writer knows none of them.
    private static string Plain(string what, string place)
    {
        if (Regex.Match(what, "^The JSON property '(.*)' could not be mapped") is { Success: true } unknown) return $"no such key '{unknown.Groups[1].Value}'";
        if (Regex.Match(what, "^Read unrecognized type discriminator id '(.*)'") is { Success: true } part) return $"no such part '{part.Groups[1].Value}'";
        if (Regex.Match(what, @"^The JSON value could not be converted to (System\.Nullable`1\[)?([\w.+]+)") is not { Success: true } value) return what;
        var name = value.Groups[2].Value.TrimEnd('.');
        var type = Type.GetType(name) ?? Assemblies().Select(assembly => assembly.GetType(name)).FirstOrDefault(found => found is not null);
        // Of a part with a constructor the part is named, and not what the key holds.
        var held = type?.GetProperties().FirstOrDefault(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name) == place[(place.LastIndexOf('.') + 1)..])?.PropertyType ?? type;
        held = held is null ? null : Nullable.GetUnderlyingType(held) ?? held;
        return Type.GetTypeCode(held) switch
        {
            _ when held is { IsEnum: true } => $"one of {string.Join(", ", Enum.GetNames(held).Select(JsonNamingPolicy.KebabCaseLower.ConvertName))} was wanted",
            TypeCode.Int32 or TypeCode.Int64 or TypeCode.UInt64 => "a whole number was wanted",
            TypeCode.Single or TypeCode.Double => "a number was wanted",
            TypeCode.Boolean => "true or false was wanted",
            TypeCode.String => "a text was wanted",
            _ => $"a {held?.Name ?? name} was wanted",
        };
    }

    /// <summary>The parts of a kind by their names, from every loaded assembly that knows this one: a library's own parts are found as ours are.</summary>
    public static IReadOnlyDictionary<string, Type> Of(Type kind) => Assemblies().SelectMany(assembly => assembly.GetTypes())
        .Where(type => !type.IsAbstract && kind.IsAssignableFrom(type) && type.GetCustomAttribute<PartAttribute>() is not null)
        .GroupBy(type => type.GetCustomAttribute<PartAttribute>()!.Name)
        .ToDictionary(named => named.Key, named => named.Count() == 1 ? named.First() : throw new NotSupportedException($"{string.Join(" and ", named.Select(type => type.FullName))} are both [Part(\"{named.Key}\")]; names of their own were wanted"));

    private static IEnumerable<Assembly> Assemblies()
    {
        var own = typeof(PartJson).Assembly;
        return AppDomain.CurrentDomain.GetAssemblies().Where(assembly => !assembly.IsDynamic && (assembly == own || assembly.GetReferencedAssemblies().Any(name => name.Name == own.GetName().Name)));
    }

    private static void AddParts(JsonTypeInfo info)
    {
        if (info.Type.GetCustomAttribute<PartsAttribute>() is not { } kind) return;
        info.PolymorphismOptions = new() { TypeDiscriminatorPropertyName = kind.Property, UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization };
        foreach (var (name, type) in Of(info.Type)) info.PolymorphismOptions.DerivedTypes.Add(new(type, name));
    }
}
