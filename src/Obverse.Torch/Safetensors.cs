using System.Buffers.Binary;
using System.Text.Json;
using Obverse.Files;

namespace Obverse.Torch;

/// <summary>
/// A safetensors file: 8 bytes of header length, a JSON header, the tensors. The file is mapped, not read: a tensor costs memory
/// when its pages are touched. Everything in the header is checked before any of it is believed.
/// </summary>
public sealed class Safetensors : IDisposable
{
    private const long MaxHeader = 100_000_000; // the format's own limit

    private readonly MappedBytes bytes;
    private readonly Dictionary<string, Entry> entries;

    private Safetensors(string path, MappedBytes bytes, Dictionary<string, Entry> entries, IReadOnlyDictionary<string, string> metadata) =>
        (Path, this.bytes, this.entries, Metadata) = (path, bytes, entries, metadata);

    public string Path { get; }
    public IReadOnlyDictionary<string, string> Metadata { get; }
    public IEnumerable<string> Names => entries.Keys;

    public static Safetensors Open(string path)
    {
        var bytes = MappedBytes.Open(path);
        try
        {
            var (entries, metadata) = ReadHeader(path, bytes);
            return new(path, bytes, entries, metadata);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    public bool Contains(string name) => entries.ContainsKey(name);

    public (DType Type, long[] Shape) Describe(string name) => Find(name) is var e ? (e.Type, e.Shape) : default;

    /// <summary>The tensor as it lies in the file (its own element type): pages are shared with the file until something writes to them. Once nobody holds it they are given back, with what was written to them.</summary>
    public Tensor this[string name] => Find(name) is var entry ? bytes.View(entry.Offset, entry.Type, entry.Shape) : null!;

    public void Dispose() => bytes.Dispose();

    /// <summary>Writes tensors in the order given (element types as they are), atomically.</summary>
    public static void Save(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        SafetensorsWriter.Write(path, [.. tensors.Select(t => new PlannedTensor(t.Key, t.Value.DType, t.Value.Shape, t.Value.Detach))], metadata);

    public static int ElementSize(DType type) => type switch
    {
        DType.UInt8 or DType.Int8 or DType.Bool => 1,
        DType.Int16 or DType.Float16 or DType.BFloat16 => 2,
        DType.Int32 or DType.Float32 => 4,
        _ => 8,
    };

    private Entry Find(string name) => entries.TryGetValue(name, out var entry) ? entry : throw new WeightsException($"{Path}: no tensor '{name}'");

    private static (Dictionary<string, Entry>, IReadOnlyDictionary<string, string>) ReadHeader(string path, MappedBytes bytes)
    {
        WeightsException Bad(string why, Exception? inner = null) => new($"{path}: not a safetensors file: {why}", inner);

        if (bytes.Length < 10) throw Bad($"{bytes.Length} bytes, wanted at least 10");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span(0, 8));
        if (length > MaxHeader || (long)length > bytes.Length - 8) throw Bad($"its header claims {length} bytes, the file has {bytes.Length}");
        var room = bytes.Length - 8 - (long)length;
        var entries = new Dictionary<string, Entry>();
        var metadata = new Dictionary<string, string>();
        string? unsupported = null; // said last: a file that is cut is damaged before it is unsupported
        try
        {
            var text = bytes.Span(8, (int)length).ToArray();
            using var json = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 8 });
            foreach (var item in json.RootElement.EnumerateObject())
            {
                if (item.Name == "__metadata__")
                {
                    foreach (var pair in item.Value.EnumerateObject()) metadata[pair.Name] = pair.Value.GetString() ?? "";
                    continue;
                }

                var code = item.Value.GetProperty("dtype").GetString() ?? throw Bad($"tensor '{item.Name}' has no element type");
                var type = TypeOf(code);
                if (type is null) unsupported ??= $"tensor '{item.Name}' is {code}, which is not supported; F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL are";
                long[] shape = [.. item.Value.GetProperty("shape").EnumerateArray().Select(side => side.GetInt64())];
                if (shape.Length > 8 || shape.Any(side => side < 0)) throw Bad($"tensor '{item.Name}' has the shape [{string.Join(", ", shape)}]");
                long[] offsets = [.. item.Value.GetProperty("data_offsets").EnumerateArray().Select(o => o.GetInt64())];
                if (offsets is not [var from, var to] || from < 0 || to < from || to > room) throw Bad($"tensor '{item.Name}' lies at [{string.Join(", ", offsets)}], outside the {room} bytes of data");
                var wanted = type is not { } known ? (UInt128)(to - from) : shape.Aggregate((UInt128)ElementSize(known), (product, side) => product > long.MaxValue ? product : product * (ulong)side);
                if (wanted != (UInt128)(to - from)) throw Bad($"tensor '{item.Name}' of shape [{string.Join(", ", shape)}] wants {wanted} bytes and has {to - from}");
                entries.Add(item.Name, new(type ?? DType.UInt8, shape, 8 + (long)length + from, to - from));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw Bad($"its header is not as it should be ({e.Message.Split('\n')[0]})", e);
        }

        var end = 8 + (long)length;
        foreach (var (name, entry) in entries.OrderBy(e => e.Value.Offset).ThenBy(e => e.Value.Length))
        {
            if (entry.Offset < end) throw Bad($"tensor '{name}' overlaps another");
            if (entry.Offset > end) throw Bad($"{entry.Offset - end} bytes before tensor '{name}' belong to none");
            end = entry.Offset + entry.Length;
        }

        if (end != bytes.Length) throw Bad($"its tensors end at byte {end}, the file at {bytes.Length}");
        if (unsupported is not null) throw new WeightsException($"{path}: {unsupported}") { IsUnsupported = true };
        return (entries, metadata);
    }

    private static DType? TypeOf(string? code) => code switch
    {
        "F32" => DType.Float32, "F16" => DType.Float16, "BF16" => DType.BFloat16, "F64" => DType.Float64, "I64" => DType.Int64,
        "I32" => DType.Int32, "I16" => DType.Int16, "I8" => DType.Int8, "U8" => DType.UInt8, "BOOL" => DType.Bool, _ => null,
    };

    internal static string Code(DType type) => type switch
    {
        DType.Float32 => "F32", DType.Float16 => "F16", DType.BFloat16 => "BF16", DType.Float64 => "F64", DType.Int64 => "I64",
        DType.Int32 => "I32", DType.Int16 => "I16", DType.Int8 => "I8", DType.UInt8 => "U8", _ => "BOOL",
    };

    private sealed record Entry(DType Type, long[] Shape, long Offset, long Length);
}
