using Obverse.Files;

namespace Obverse.Torch;

/// <summary>How a tensor that no file gives is made.</summary>
public delegate Tensor Init(Generator random, long[] shape);

public static class Inits
{
    public static Init Zeros { get; } = (_, shape) => Tensor.Zeros(shape);
    public static Init Ones { get; } = (_, shape) => Tensor.Ones(shape);
    public static Init Constant(double value) => (_, shape) => Tensor.Full(shape, value);
    public static Init Normal(double std) => (random, shape) => random.Normal(shape).MulInPlace(std);
    public static Init Uniform(double bound) => (random, shape) => random.Uniform(-bound, bound, shape);
}

/// <summary>
/// Named tensors of a network, which reads them by path: <c>weights / "visual" / "conv1"</c>. They come from a file, where a tensor that is
/// missing, of another shape, or left over (<see cref="Complete"/>) is an error; or they are made as they are asked for, to train from nothing.
/// </summary>
public sealed class Weights : IDisposable
{
    private readonly Store store;
    private readonly string prefix;
    private readonly bool sketch;

    private Weights(Store store, string prefix, bool sketch = false) => (this.store, this.prefix, this.sketch) = (store, prefix, sketch);

    /// <summary>From a safetensors file, every floating tensor widened to float32; on a device: the processor unless told otherwise.</summary>
    public static Weights Load(string path, Device? device = null)
    {
        using var file = Safetensors.Open(path);
        return From(file.Names.Select(name => KeyValuePair.Create(name, file[name])), path, device);
    }

    /// <summary>From tensors at hand, which this object then owns. Floating ones are widened to float32; one that is not finite is refused.</summary>
    public static Weights From(IEnumerable<KeyValuePair<string, Tensor>> tensors, string origin, Device? device = null)
    {
        var weights = Later(tensors.Select(t => KeyValuePair.Create(t.Key, new StoredTensor(t.Value))), origin, device);
        _ = weights.All;
        return weights;
    }

    /// <summary>
    /// The same of tensors that are left as they lie in their files, each until a network asks for it (<see cref="Get"/>): only then is it looked through, and brought to the type that
    /// <paramref name="precision"/> computes in.
    /// </summary>
    public static Weights Later(IEnumerable<KeyValuePair<string, StoredTensor>> tensors, string origin, Device? device = null, Precision precision = Precision.Float32)
    {
        var store = new Store(origin, null, isNew: false, device ?? Device.Cpu) { Type = precision.On(device ?? Device.Cpu).Type() };
        foreach (var (name, tensor) in tensors) store.Entries.Add(name, new(tensor, null));
        return new(store, "");
    }

    /// <summary>Nothing yet: tensors are made by their <see cref="Init"/> when a network asks, in the type that <paramref name="precision"/> computes in.</summary>
    public static Weights New(Generator random, Precision precision = Precision.Float32) => new(new("new weights", random, isNew: true, random.Device) { Type = precision.On(random.Device).Type() }, "");

    /// <summary>Only shapes: whatever a network asks for, it gets a stand-in that takes no memory. To count an architecture's parameters.</summary>
    public static Weights Shapes() => new(new("shapes", null, isNew: true, Device.Cpu), "", sketch: true);

    /// <summary>
    /// These weights as stand-ins of the right shapes: a network built on them computes nothing, but asks for all it needs, so that what is missing,
    /// misshapen or left over is known before anything is widened. Stand-ins belong to the scope that is open.
    /// </summary>
    public Weights Sketch() => new(store, prefix, sketch: true);

    public static Weights operator /(Weights weights, string name) => new(weights.store, weights.prefix.Length == 0 ? name : weights.prefix + "." + name, weights.sketch);
    public static Weights operator /(Weights weights, int index) => weights / index.ToString(System.Globalization.CultureInfo.InvariantCulture);

    public Device Device => store.Device;

    /// <summary>What networks on these weights compute in: float32 or bfloat16.</summary>
    public DType Type => store.Type;

    /// <summary>Where the tensors came from, for messages.</summary>
    public string Origin => store.Origin;

    /// <summary>True where tensors are made as they are asked for.</summary>
    public bool IsNew => store.IsNew;

    /// <summary>All tensors by full name, in the order in which a file gave them or a network asked for them. Those that nobody asked for yet are widened now.</summary>
    public IReadOnlyDictionary<string, Tensor> All => store.Entries.ToDictionary(e => e.Key, e => e.Value.Tensor(e.Key, store, DType.Float32));

    /// <summary>Names and shapes of all tensors, without touching any.</summary>
    public IEnumerable<(string Name, long[] Shape)> Outline => store.Entries.Select(e => (e.Key, e.Value.Shape));

    public bool Has(string name) => store.Entries.ContainsKey(Full(name));

    /// <summary>The tensor at this path, in <see cref="Type"/> or, where it must be <paramref name="precise"/>, float32; <paramref name="init"/> makes it where weights are new.</summary>
    public Tensor Get(string name, ReadOnlySpan<long> shape, Init? init = null, bool precise = false)
    {
        var full = Full(name);
        if (!store.Entries.TryGetValue(full, out var entry))
        {
            if (!store.IsNew || init is null) throw new WeightsException($"{store.Origin}: tensor '{full}' of shape [{string.Join(", ", shape.ToArray())}] is missing");
            var sides = shape.ToArray();
            entry = new(null, store.Random is null ? TensorScope.Unscoped(() => StandIn(sides)) : Tensor.Owned(() => store.Put(init(store.Random, sides)).To(precise ? DType.Float32 : store.Type)));
            store.Entries.Add(full, entry);
        }

        if (!entry.Shape.AsSpan().SequenceEqual(shape)) throw new WeightsException($"{store.Origin}: tensor '{full}' has the shape [{string.Join(", ", entry.Shape)}], wanted [{string.Join(", ", shape.ToArray())}]");
        return Given(full, entry, precise);
    }

    /// <summary>The tensor whatever its shape, in float32; null where there is none.</summary>
    public Tensor? Find(string name) => store.Entries.TryGetValue(Full(name), out var entry) ? Given(Full(name), entry, precise: true) : null;

    /// <summary>Refuses tensors that no network asked for; <paramref name="mayIgnore"/> names those that files carry for nothing.</summary>
    public Weights Complete(Func<string, bool>? mayIgnore = null)
    {
        var left = store.Entries.Keys.Where(name => !store.Used.Contains(name) && !(mayIgnore?.Invoke(name) ?? false)).ToList();
        if (left.Count > 0) throw new WeightsException($"{store.Origin}: {left.Count} tensors belong to no part of the network: {string.Join(", ", left.Take(4))}{(left.Count > 4 ? ", …" : "")}");
        return this;
    }

    /// <summary>Writes all tensors, or those whose name passes <paramref name="only"/>; <paramref name="half"/> stores float32 as fp16 (matrices and larger; vectors keep their precision).</summary>
    public void Save(string path, IReadOnlyDictionary<string, string>? metadata = null, bool half = false, Func<string, bool>? only = null)
    {
        using var scope = new TensorScope();
        Safetensors.Save(path, All.Where(pair => only?.Invoke(pair.Key) ?? true).Select(pair => KeyValuePair.Create(pair.Key, half && pair.Value is { DType: DType.Float32, Dims: >= 2 } ? pair.Value.Detach().To(DType.Float16) : pair.Value)), metadata);
    }

    public void Dispose()
    {
        foreach (var entry in store.Entries.Values) entry.Dispose();
    }

    private Tensor Given(string full, Entry entry, bool precise)
    {
        store.Used.Add(full);
        return sketch ? StandIn(entry.Shape) : entry.Tensor(full, store, precise ? DType.Float32 : store.Type);
    }

    private static Tensor StandIn(ReadOnlySpan<long> shape) => Tensor.Zeros([]).Expand(shape);

    private string Full(string name) => prefix.Length == 0 ? name : prefix + "." + name;

    private sealed class Store(string origin, Generator? random, bool isNew, Device device)
    {
        public Device Device => device;
        public DType Type { get; init; } = DType.Float32;
        public string Origin => origin;
        public Generator? Random => random;
        public bool IsNew => isNew;
        public Dictionary<string, Entry> Entries { get; } = [];
        public HashSet<string> Used { get; } = [];

        public Tensor Put(Tensor tensor)
        {
            if (tensor.Device == device) return tensor;
            var there = TensorScope.Unscoped(() => tensor.To(device));
            tensor.Dispose();
            return there;
        }
    }

    private sealed class Entry(StoredTensor? stored, Tensor? ready)
    {
        private readonly Lock making = new();
        private Tensor? ready = ready;

        public long[] Shape => stored?.Shape ?? ready!.Shape;

        // In the type in which it is first asked for.
        public Tensor Tensor(string name, Store store, DType type)
        {
            lock (making) return ready ??= store.Put(stored!.Make(name, store.Origin, type));
        }

        public void Dispose()
        {
            ready?.Dispose();
            stored?.Dispose();
        }
    }
}
