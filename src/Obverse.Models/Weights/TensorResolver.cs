using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>A storage as a pickle names it: where its view begins, how long it is, both in elements.</summary>
internal sealed record StorageReference(string Key, DType Type, long Total, long Offset, long Elements);

/// <summary>A tensor as a pickle describes it, checked to lie within its storage.</summary>
internal sealed record TensorReference(StorageReference Storage, long Offset, long[] Shape, long[] Strides, long Elements)
{
    public long Bytes => Elements * Safetensors.ElementSize(Storage.Type);

    /// <summary>How many elements lie between its first and its last, with both.</summary>
    public long Extent => Elements == 0 ? 0 : 1 + Shape.Zip(Strides, (side, stride) => (side - 1) * stride).Sum();

    public bool IsContiguous
    {
        get
        {
            var expected = 1L;
            for (var i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != expected) return false;
                expected *= Shape[i];
            }

            return true;
        }
    }
}

/// <summary>
/// The names that weights need, and what stands for them: nothing is called, a tensor comes out as a description. Every other name is refused, by name.
/// </summary>
internal sealed class TensorResolver(string origin, bool isScript = false) : IPickleResolver
{
    private const int MaxDims = 8, MaxCopied = 4_000_000;

    private static readonly object orderedDict = new PickleName("collections.OrderedDict"), rebuildTensor = new PickleName("torch._utils._rebuild_tensor_v2"), rebuildParameter = new PickleName("torch._utils._rebuild_parameter"),
        untyped = new PickleName("torch.storage.UntypedStorage"), firstArgument = new PickleName("torch.jit._pickle"), scriptClass = new PickleName("__torch__");

    private static readonly Dictionary<string, DType> storageTypes = new()
    {
        ["FloatStorage"] = DType.Float32, ["HalfStorage"] = DType.Float16, ["BFloat16Storage"] = DType.BFloat16, ["DoubleStorage"] = DType.Float64, ["LongStorage"] = DType.Int64,
        ["IntStorage"] = DType.Int32, ["ShortStorage"] = DType.Int16, ["CharStorage"] = DType.Int8, ["ByteStorage"] = DType.UInt8, ["BoolStorage"] = DType.Bool,
    };

    private static readonly Dictionary<string, StorageType> storages = storageTypes.ToDictionary(t => t.Key, t => new StorageType(t.Value));

    private readonly Dictionary<string, StorageReference> found = [];
    private readonly HashSet<string> classes = [];
    private int copied;

    /// <summary>The storages that the pickle spoke of, each as it did so first.</summary>
    public IReadOnlyDictionary<string, StorageReference> Storages => found;

    /// <summary>The classes of a script's modules, without the modules they are in: "QuickGELU".</summary>
    public IReadOnlySet<string> Classes => classes;

    public object Global(string module, string name) => module switch
    {
        "collections" when name == "OrderedDict" => orderedDict,
        "torch._utils" when name == "_rebuild_tensor_v2" => rebuildTensor,
        "torch._utils" when name == "_rebuild_parameter" => rebuildParameter,
        "torch.storage" when name == "UntypedStorage" => untyped,
        "torch" when storages.TryGetValue(name, out var storage) => storage,
        "torch" when name.EndsWith("Storage", StringComparison.Ordinal) => throw new WeightsException($"{origin}: holds a torch.{Shown(name)}; the element types known are those of {string.Join(", ", storageTypes.Keys)}") { IsUnsupported = true },
        "torch._utils" when name.StartsWith("_rebuild_", StringComparison.Ordinal) => throw new WeightsException($"{origin}: holds a tensor that torch._utils.{Shown(name)} makes, which is not supported ({name switch { "_rebuild_tensor_v3" => "an element type such as float8", "_rebuild_qtensor" => "quantised", _ => "neither dense nor a parameter" }})") { IsUnsupported = true },
        "torch.jit._pickle" when isScript && name is "build_intlist" or "build_doublelist" or "build_boollist" or "build_tensorlist" or "restore_type_tag" => firstArgument,
        "__torch__" when isScript => scriptClass,
        _ when isScript && module.StartsWith("__torch__.", StringComparison.Ordinal) => ScriptClass(name),
        _ => throw new WeightsException($"{origin}: refused: it asks for {Shown(module)}.{Shown(name)}, which is no part of weights; nothing was run") { IsUnsupported = true },
    };

    private object ScriptClass(string name)
    {
        if (name.Length <= 80 && classes.Count < 1000) classes.Add(name);
        return scriptClass;
    }

    public object? Reduce(object? callable, object?[] arguments)
    {
        if (ReferenceEquals(callable, rebuildTensor)) return Rebuilt(arguments);
        if (ReferenceEquals(callable, rebuildParameter)) return arguments is [TensorReference tensor, ..] ? tensor : throw Bad("a parameter is no tensor");
        if (ReferenceEquals(callable, firstArgument)) return arguments is [var value, ..] ? value : throw Bad("a list without its items");
        if (ReferenceEquals(callable, orderedDict)) return Ordered(arguments);
        throw Bad($"it calls {(callable is PickleName word ? word.Name : callable is StorageType ? "a storage" : "a value")}");
    }

    public object New(object? type, object?[] arguments) =>
        ReferenceEquals(type, scriptClass) && arguments.Length == 0 ? new PickleObject() : ReferenceEquals(type, orderedDict) && arguments.Length == 0 ? new PickleDictionary(takesAttributes: true) : throw Bad("it makes an object of something that is no module's class");

    /// <summary>("storage", type, key, device, elements) and, in the old stream, where a view of it lies: (its key, offset, elements).</summary>
    public object Persistent(object? id)
    {
        if (id is not object?[] and not null || id is not object?[] parts || parts.Length is not (5 or 6) || parts is not ["storage", var type, string key, string, long total, ..]) throw Bad("a reference out of the pickle is not to a storage");
        var element = type is StorageType storage ? storage.Type : ReferenceEquals(type, untyped) ? DType.UInt8 : throw Bad($"storage '{Shown(key)}' is of no type of storages");
        var (offset, elements) = parts.Length == 5 || parts[5] is null ? (0, total) : parts[5] is object?[] and [string, long from, long count] ? (from, count) : throw Bad($"storage '{Shown(key)}' has a view that is none");
        if (total < 0 || total > long.MaxValue / 8 || offset < 0 || elements < 0 || offset > total || elements > total - offset) throw Bad($"storage '{Shown(key)}' is {elements} elements at {offset} of {total}");
        var reference = new StorageReference(key, element, total, offset, elements);
        found.TryAdd(key, reference);
        return reference;
    }

    private TensorReference Rebuilt(object?[] arguments)
    {
        if (arguments is not [StorageReference storage, long offset, object?[] sizes, object?[] steps, _, _, ..] || arguments.Length > 7) throw Bad("a tensor is not storage, offset, sizes, strides, requires_grad, hooks");
        if (arguments.Length == 7 && arguments[6] is not (null or PickleDictionary { Count: 0 })) throw Bad("a tensor says that it is conjugate or negative, which is not supported");
        if (sizes.Length > MaxDims || sizes.Length != steps.Length) throw Bad($"a tensor has {sizes.Length} sizes and {steps.Length} strides, wanted as many of both, {MaxDims} at most");
        var (shape, strides) = (new long[sizes.Length], new long[sizes.Length]);
        var (elements, empty, last) = ((UInt128)1, false, (UInt128)0);
        for (var i = 0; i < sizes.Length; i++)
        {
            if (sizes[i] is not long side || steps[i] is not long stride || side < 0 || stride < 0) throw Bad($"a tensor's size or stride {i} is not a whole number from 0");
            (shape[i], strides[i]) = (side, stride);
            empty |= side == 0;
            elements *= (ulong)Math.Max(1, side);
            if (elements > long.MaxValue / 8) throw Bad($"a tensor has more elements than can be counted: [{string.Join(", ", sizes)}]");
            if (side > 0) last += (UInt128)(ulong)(side - 1) * (ulong)stride;
        }

        if (empty) (elements, last) = (0, 0);
        var end = empty ? 0 : last + 1;
        if (offset < 0 || end + (ulong)offset > (ulong)storage.Elements) throw Bad($"a tensor of [{string.Join(", ", shape)}] by strides [{string.Join(", ", strides)}] at {offset} ends at element {end + (ulong)Math.Max(0, offset)} of storage '{Shown(storage.Key)}', which has {storage.Elements}");
        return new(storage, offset, shape, strides, (long)elements);
    }

    private PickleDictionary Ordered(object?[] arguments)
    {
        var dictionary = new PickleDictionary(takesAttributes: true);
        if (arguments.Length == 0) return dictionary;
        if (arguments is not [List<object?> pairs] || (copied += pairs.Count) > MaxCopied) throw Bad("an OrderedDict is made of something else than its items");
        foreach (var pair in pairs)
        {
            var (key, value) = pair switch { object?[] and [var k, var v] => (k, v), List<object?> and [var k, var v] => (k, v), _ => throw Bad("an OrderedDict's item is no pair") };
            if (!dictionary.Set(key, value)) throw Bad("a dictionary's key is neither text nor a number, nor a tuple");
        }

        return dictionary;
    }

    /// <summary>Text of a file as a message may hold it: one line, not long.</summary>
    public static string Shown(string text) => string.Concat((text.Length > 80 ? text[..80] + "…" : text).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));

    private WeightsException Bad(string why) => new($"{origin}: not weights: {why}");

    private sealed record PickleName(string Name);

    private sealed record StorageType(DType Type);
}
