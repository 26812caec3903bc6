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

    private Weights(Store store, string prefix) => (this.store, this.prefix) = (store, prefix);

    /// <summary>From a safetensors file, every floating tensor widened to float32; on a device: the processor unless told otherwise.</summary>
    public static Weights Load(string path, Device? device = null)
    {
        using var file = Safetensors.Open(path);
        return From(file.Names.Select(name => KeyValuePair.Create(name, file[name])), path, device);
    }

    /// <summary>From tensors at hand, which this object then owns. Floating ones are widened to float32; one that is not finite is refused.</summary>
    public static Weights From(IEnumerable<KeyValuePair<string, Tensor>> tensors, string origin, Device? device = null)
    {
        var store = new Store(origin, null, device ?? Device.Cpu);
        foreach (var (name, tensor) in tensors)
        {
            var kept = tensor;
            if (tensor.DType is DType.Float16 or DType.BFloat16 or DType.Float64)
            {
                kept = tensor.To(DType.Float32);
                tensor.Dispose();
            }

            if (kept.DType == DType.Float32)
            {
                using var scope = new TensorScope();
                if (kept.IsFinite().All().Item() == 0) throw new WeightsException($"{origin}: tensor '{name}' holds NaN or infinite numbers");
            }

            store.Tensors.Add(name, store.Put(kept));
        }

        return new(store, "");
    }

    /// <summary>Nothing yet: tensors are made by their <see cref="Init"/> when a network asks.</summary>
    public static Weights New(Generator random) => new(new("new weights", random, random.Device), "");

    public static Weights operator /(Weights weights, string name) => new(weights.store, weights.prefix.Length == 0 ? name : weights.prefix + "." + name);
    public static Weights operator /(Weights weights, int index) => weights / index.ToString(System.Globalization.CultureInfo.InvariantCulture);

    public Device Device => store.Device;

    /// <summary>Where the tensors came from, for messages.</summary>
    public string Origin => store.Origin;

    /// <summary>All tensors by full name, in the order in which a file gave them or a network asked for them.</summary>
    public IReadOnlyDictionary<string, Tensor> All => store.Tensors;

    public bool Has(string name) => store.Tensors.ContainsKey(Full(name));

    /// <summary>The tensor at this path; <paramref name="init"/> makes it where weights are new.</summary>
    public Tensor Get(string name, ReadOnlySpan<long> shape, Init? init = null)
    {
        var full = Full(name);
        if (!store.Tensors.TryGetValue(full, out var tensor))
        {
            if (store.Random is null || init is null) throw new WeightsException($"{store.Origin}: tensor '{full}' of shape [{string.Join(", ", shape.ToArray())}] is missing");
            tensor = store.Put(init(store.Random, shape.ToArray()));
            store.Tensors.Add(full, tensor);
        }

        if (!tensor.Shape.AsSpan().SequenceEqual(shape)) throw new WeightsException($"{store.Origin}: tensor '{full}' has the shape [{string.Join(", ", tensor.Shape)}], wanted [{string.Join(", ", shape.ToArray())}]");
        store.Used.Add(full);
        return tensor;
    }

    /// <summary>The tensor whatever its shape; null where there is none.</summary>
    public Tensor? Find(string name)
    {
        if (!store.Tensors.TryGetValue(Full(name), out var tensor)) return null;
        store.Used.Add(Full(name));
        return tensor;
    }

    /// <summary>Refuses tensors that no network asked for; <paramref name="mayIgnore"/> names those that files carry for nothing.</summary>
    public Weights Complete(Func<string, bool>? mayIgnore = null)
    {
        var left = store.Tensors.Keys.Where(name => !store.Used.Contains(name) && !(mayIgnore?.Invoke(name) ?? false)).ToList();
        if (left.Count > 0) throw new WeightsException($"{store.Origin}: {left.Count} tensors belong to no part of the network: {string.Join(", ", left.Take(4))}{(left.Count > 4 ? ", …" : "")}");
        return this;
    }

    /// <summary>Writes all tensors; <paramref name="half"/> stores float32 as fp16 (matrices and larger; vectors keep their precision).</summary>
    public void Save(string path, IReadOnlyDictionary<string, string>? metadata = null, bool half = false)
    {
        using var scope = new TensorScope();
        Safetensors.Save(path, store.Tensors.Select(pair => KeyValuePair.Create(pair.Key, half && pair.Value is { DType: DType.Float32, Dims: >= 2 } ? pair.Value.Detach().To(DType.Float16) : pair.Value)), metadata);
    }

    public void Dispose()
    {
        foreach (var tensor in store.Tensors.Values) tensor.Dispose();
    }

    private string Full(string name) => prefix.Length == 0 ? name : prefix + "." + name;

    private sealed class Store(string origin, Generator? random, Device device)
    {
        public Device Device => device;
        public string Origin => origin;
        public Generator? Random => random;
        public Dictionary<string, Tensor> Tensors { get; } = [];
        public HashSet<string> Used { get; } = [];

        public Tensor Put(Tensor tensor)
        {
            if (tensor.Device == device) return tensor;
            var there = tensor.To(device);
            tensor.Dispose();
            return there;
        }
    }
}
