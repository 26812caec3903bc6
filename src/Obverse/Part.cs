using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

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

    private static readonly JsonSerializerOptions indented = new(Options) { WriteIndented = true };

    public static string Write<T>(T value, bool isIndented = false) => JsonSerializer.Serialize(value, isIndented ? indented : Options);

    /// <exception cref="JsonException">Not the JSON of a <typeparamref name="T"/>.</exception>
    public static T Read<T>(string text) => JsonSerializer.Deserialize<T>(text, Options) ?? throw new JsonException("null where a value was wanted");

    /// <summary>What is wrong and where, from the outermost list on: <c>recipe.objective.terms[0].weight: …</c>.</summary>
    internal static string Placed(JsonException wrong)
    {
        var end = wrong.Message.IndexOf(" Path: $", StringComparison.Ordinal);
        var (what, place) = (end < 0 ? wrong.Message : wrong.Message[..end], (wrong.Path ?? "").TrimStart('$', '.'));
        return what.StartsWith('[') ? place + what : place.Length > 0 ? $"{place}: {what}" : what;
    }

    /// <summary>The parts of a kind by their names, from every loaded assembly that knows this one: a library's own parts are found as ours are.</summary>
    public static IReadOnlyDictionary<string, Type> Of(Type kind) => Assemblies().SelectMany(assembly => assembly.GetTypes())
        .Where(type => !type.IsAbstract && kind.IsAssignableFrom(type) && type.GetCustomAttribute<PartAttribute>() is not null)
        .ToDictionary(type => type.GetCustomAttribute<PartAttribute>()!.Name);

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
