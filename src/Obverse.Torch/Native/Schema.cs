using System.Collections.Frozen;
using System.Globalization;

namespace Obverse.Torch;

/// <summary>What an operator takes and gives, from its line in Ops/schemas.txt: libtorch's own declaration, which no C function gives.</summary>
internal sealed class Schema
{
    private static readonly Lazy<FrozenDictionary<string, string>> lines = new(() => Read().ToFrozenDictionary(line => line[..line.IndexOf('(', StringComparison.Ordinal)]));

    private Schema(string text, Parameter[] parameters, int returns, bool givesList)
    {
        (Text, Parameters, Returns, GivesList) = (text, parameters, returns, givesList);
        Required = Array.FindLastIndex(parameters, p => !p.HasDefault) + 1;
    }

    /// <summary>"aten::relu(Tensor self) -> Tensor".</summary>
    public string Text { get; }

    public Parameter[] Parameters { get; }

    /// <summary>Arguments that have no default, all of those before them counted.</summary>
    public int Required { get; }

    public int Returns { get; }

    /// <summary>True where the one result is a list of tensors.</summary>
    public bool GivesList { get; }

    /// <summary>The schemas of all operators that are bound, a line each.</summary>
    public static IReadOnlyList<string> Lines => Read();

    /// <param name="name">"aten::add.Tensor".</param>
    /// <exception cref="TorchException">No such operator in the table.</exception>
    public static Schema Of(string name) => lines.Value.TryGetValue(name, out var line) ? Parse(line) : throw new TorchException($"{name}: no such operator in Ops/schemas.txt, the operators of libtorch {LibTorch.Wanted} that are bound");

    private static List<string> Read()
    {
        using var stream = typeof(Schema).Assembly.GetManifestResourceStream("schemas.txt")!;
        using var reader = new StreamReader(stream);
        var read = new List<string>();
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#') read.Add("aten::" + line);
        }

        return read;
    }

    private static Schema Parse(string text)
    {
        var open = text.IndexOf('(', StringComparison.Ordinal);
        var arrow = text.LastIndexOf(" -> ", StringComparison.Ordinal);
        var parameters = Split(text[(open + 1)..(arrow - 1)]).Where(part => part != "*").Select(Parameter.Parse).ToArray();
        var gives = text[(arrow + 4)..];
        var returns = gives == "()" ? 0 : gives[0] == '(' ? Split(gives[1..^1]).Count() : 1;
        return new(text, parameters, returns, gives.EndsWith("[]", StringComparison.Ordinal));
    }

    // At commas outside brackets.
    private static IEnumerable<string> Split(string list)
    {
        var (from, depth) = (0, 0);
        for (var i = 0; i <= list.Length; i++)
        {
            if (i < list.Length && list[i] is '(' or '[') depth++;
            else if (i < list.Length && list[i] is ')' or ']') depth--;
            else if (i == list.Length || list[i] == ',' && depth == 0)
            {
                if (i > from) yield return list[from..i].Trim();
                from = i + 1;
            }
        }
    }
}

/// <summary>One parameter of an operator: what it takes, and what stands in its place where it is left out.</summary>
internal sealed class Parameter
{
    private readonly int accepts; // a bit for each Tag

    private Parameter(string name, string type, Kind kind, bool isOptional, bool hasDefault, Value @default)
    {
        (Name, Type, Kind, IsOptional, HasDefault, Default) = (name, type, kind, isOptional, hasDefault, @default);
        Tag[] tags = kind switch
        {
            Kind.Tensor => [Tag.Tensor, Tag.None], // an undefined tensor, where the schema says plain Tensor (weights of a norm)
            Kind.TensorList => [Tag.TensorList],
            Kind.Int => [Tag.Int],
            Kind.Float => [Tag.Double, Tag.Int],
            Kind.Bool => [Tag.Bool],
            Kind.Type => [Tag.Int],
            Kind.IntList => [Tag.IntList],
            Kind.FloatList => [Tag.DoubleList],
            Kind.BoolList => [Tag.BoolList],
            Kind.Text => [Tag.String],
            Kind.Device => [Tag.Device],
            _ => [], // Scalar and Generator cannot be passed by libtorch's C functions: only their defaults
        };
        foreach (var tag in tags) accepts |= 1 << (int)tag;
        if (isOptional) accepts |= 1 << (int)Tag.None;
    }

    public string Name { get; }

    /// <summary>As the schema has it: "Tensor?", "int[2]" …</summary>
    public string Type { get; }

    public Kind Kind { get; }
    public bool IsOptional { get; }
    public bool HasDefault { get; }
    public Value Default { get; }

    public bool Accepts(Tag tag) => (accepts >> (int)tag & 1) != 0;

    /// <param name="text">"SymInt[2] stride=1".</param>
    public static Parameter Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var declared = equals < 0 ? text : text[..equals];
        var space = declared.LastIndexOf(' ');
        var (type, name) = (declared[..space], declared[(space + 1)..]);
        var isOptional = type.EndsWith('?');
        var bare = isOptional ? type[..^1] : type;
        var length = 0; // of a list that a single number stands for
        if (bare.EndsWith(']') && bare.LastIndexOf('[') is var bracket)
        {
            if (bracket + 2 < bare.Length) length = int.Parse(bare.AsSpan(bracket + 1, bare.Length - bracket - 2), NumberStyles.None, CultureInfo.InvariantCulture);
            bare = bare[..bracket] + "[]";
        }

        if (bare.StartsWith("Tensor(", StringComparison.Ordinal)) bare = "Tensor" + (bare.EndsWith("[]", StringComparison.Ordinal) ? "[]" : ""); // Tensor(a!): written to
        var kind = bare switch
        {
            "Tensor" => Kind.Tensor,
            "Tensor[]" => Kind.TensorList,
            "int" or "SymInt" => Kind.Int,
            "float" => Kind.Float,
            "bool" => Kind.Bool,
            "ScalarType" or "Layout" or "MemoryFormat" => Kind.Type,
            "int[]" or "SymInt[]" => Kind.IntList,
            "float[]" => Kind.FloatList,
            "bool[]" => Kind.BoolList,
            "str" => Kind.Text,
            "Device" => Kind.Device,
            _ => Kind.Unsupported,
        };
        return new(name, type, kind, isOptional, equals >= 0, equals < 0 ? Value.None : DefaultOf(text[(equals + 1)..], kind, length));
    }

    private static Value DefaultOf(string text, Kind kind, int length) => kind switch
    {
        _ when text == "None" => Value.None,
        Kind.Bool => text == "True",
        Kind.Float => double.Parse(text, CultureInfo.InvariantCulture),
        Kind.Text => text.Trim('"', '\''),
        Kind.Type => 0, // contiguous_format, the only one that occurs
        Kind.Int => text == "Mean" ? 1 : long.Parse(text, CultureInfo.InvariantCulture), // at::Reduction
        Kind.IntList when text[0] == '[' => Value.Ints([.. text.Trim('[', ']').Split(',', StringSplitOptions.RemoveEmptyEntries).Select(n => long.Parse(n, CultureInfo.InvariantCulture))]),
        Kind.IntList => Value.Ints([.. Enumerable.Repeat(long.Parse(text, CultureInfo.InvariantCulture), length)]),
        _ => Value.None,
    };
}

internal enum Kind { Tensor, TensorList, Int, Float, Bool, Type, IntList, FloatList, BoolList, Text, Device, Unsupported }
