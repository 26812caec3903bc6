using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Obverse.Torch;

/// <summary>libtorch's element types, with its own numbers.</summary>
public enum DType { UInt8 = 0, Int8 = 1, Int16 = 2, Int32 = 3, Int64 = 4, Float16 = 5, Float32 = 6, Float64 = 7, Bool = 11, BFloat16 = 15 }

/// <summary>Meta holds shapes and no numbers: what runs there mixes no devices.</summary>
public enum DeviceType { Cpu = 0, Cuda = 1, Meta = 14 }

public readonly record struct Device(DeviceType Type, int Index = -1)
{
    public static Device Cpu => new(DeviceType.Cpu);
    public static Device Cuda(int index = 0) => new(DeviceType.Cuda, index);
    public static Device Meta => new(DeviceType.Meta);

    /// <summary>"cpu", "cuda" or "cuda:1".</summary>
    /// <exception cref="FormatException">Something else.</exception>
    public static Device Parse(string text) => text switch
    {
        "cpu" => Cpu,
        "cuda" => Cuda(),
        _ when text.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(text.AsSpan(5), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var index) && index < 128 => Cuda(index),
        _ => throw new FormatException("cpu, cuda or cuda:N was wanted"),
    };

    public override string ToString() => Type switch { DeviceType.Cpu => "cpu", DeviceType.Cuda => $"cuda:{Math.Max(0, Index)}", _ => "meta" };
}

/// <summary>
/// A libtorch tensor. It owns native memory: `using` it, or make it inside a <see cref="TensorScope"/>, which lets go of
/// everything made in it. The finaliser is only the net below. Operators are one-liners in <c>Ops/</c>.
/// </summary>
public sealed unsafe partial class Tensor : SafeHandle
{
    private static long live;

    private readonly bool isCounted;

    internal Tensor(nint owned) : this(owned, isScoped: true, isCounted: true)
    {
    }

    private Tensor(nint owned, bool isScoped, bool isCounted) : base(0, ownsHandle: true)
    {
        SetHandle(owned);
        this.isCounted = isCounted;
        if (isCounted) Interlocked.Increment(ref live);
        if (isScoped) TensorScope.Adopt(this);
    }

    /// <summary>A tensor that belongs to no scope; one that is kept for good is not counted as live.</summary>
    internal static Tensor Unscoped(nint owned, bool isCounted = true) => new(owned, isScoped: false, isCounted);

    public override bool IsInvalid => handle == 0;

    /// <summary>Tensors that C# holds now, in all threads.</summary>
    public static long Live => Interlocked.Read(ref live);

    public long[] Shape => Sizes.ToArray();

    /// <summary>The sizes where libtorch keeps them: gone with the tensor.</summary>
    internal ReadOnlySpan<long> Sizes
    {
        get
        {
            long* sizes;
            C.Check(C.Sizes(Handle, &sizes), "sizes");
            return new(sizes, Dims);
        }
    }

    public int Dims
    {
        get
        {
            long dims;
            C.Check(C.Dims(Handle, &dims), "dim");
            return (int)dims;
        }
    }

    public long Elements
    {
        get
        {
            long elements;
            C.Check(C.Elements(Handle, &elements), "numel");
            return elements;
        }
    }

    public DType DType
    {
        get
        {
            int type;
            C.Check(C.DType(Handle, &type), "dtype");
            return (DType)type;
        }
    }

    public Device Device
    {
        get
        {
            int type, index;
            C.Check(C.DeviceType(Handle, &type), "device");
            if (type == 0) return Device.Cpu;
            C.Check(C.DeviceIndex(Handle, &index), "device");
            return new((DeviceType)type, index);
        }
    }

    public bool IsContiguous
    {
        get
        {
            byte yes;
            C.Check(C.IsContiguous(Handle, &yes), "is_contiguous");
            return yes != 0;
        }
    }

    /// <summary>True where gradients are recorded. Setting it makes a leaf.</summary>
    public bool RequiresGrad
    {
        get => C.RequiresGrad(C.Impl(Handle)) != 0;
        set => C.Check(C.SetRequiresGrad(Handle, value ? (byte)1 : (byte)0), $"requires_grad of {Described}");
    }

    /// <summary>The gradient that <see cref="Backward"/> left here, a new handle each time; null where there is none.</summary>
    public Tensor? Grad
    {
        get
        {
            var gradient = C.Grad(C.Impl(Handle)); // the address of a Tensor that this one owns
            if (IsUndefined(gradient)) return null;
            nint copy;
            C.Check(C.Copy(gradient, &copy), "grad");
            return new(copy);
        }
        set
        {
            if (value is null && IsUndefined(C.Grad(C.Impl(Handle)))) return;
            var place = C.MutableGrad(C.Impl(Handle));
            if (value is not null) C.Check(C.Assign(value.Handle, place), "grad");
            else
            {
                nint nothing;
                C.Check(C.Undefined(&nothing), "grad");
                C.Check(C.Assign(nothing, place), "grad");
                C.Free(nothing);
            }

            GC.KeepAlive(value);
        }
    }

    /// <summary>What of this tensor's making libtorch's graph does not know; null: nothing.</summary>
    internal Tape? Tape { get; set; }

    /// <summary>Called once when this handle goes.</summary>
    internal Action? Released { get; set; }

    /// <summary>Type, shape and device, for messages.</summary>
    internal string Described => $"{DType} [{string.Join(", ", Shape)}]{(Device == Device.Cpu ? "" : $" on {Device}")}";

    internal nint Handle => IsClosed ? throw new ObjectDisposedException(nameof(Tensor)) : handle;

    // The one undefined tensor that all share: its address is known once it was asked for.
    private static bool IsUndefined(nint tensor) => C.Impl(tensor) == undefined.Value;

    private static readonly Lazy<nint> undefined = new(() =>
    {
        nint nothing;
        C.Check(C.Undefined(&nothing), "undefined");
        return C.Impl(nothing); // never freed
    });

    /// <summary>Another handle to the very same tensor, history and gradient included, that belongs to no scope.</summary>
    internal Tensor Alias()
    {
        nint copy;
        C.Check(C.Copy(Handle, &copy), "copy of a handle");
        return Unscoped(copy);
    }

    public long Size(int dim)
    {
        var sizes = Sizes;
        var at = dim < 0 ? dim + sizes.Length : dim;
        return at >= 0 && at < sizes.Length ? sizes[at] : throw new ArgumentOutOfRangeException(nameof(dim), dim, $"a tensor of {sizes.Length} dimensions");
    }

    /// <summary>Copies numbers into a new CPU tensor, row-major; without a shape it is one row of them. T decides the element type.</summary>
    public static Tensor From<T>(ReadOnlySpan<T> data, params ReadOnlySpan<long> shape) where T : unmanaged
    {
        if (shape.IsEmpty) shape = [data.Length];
        var elements = 1L;
        foreach (var side in shape) elements *= side;
        if (elements != data.Length) throw new ArgumentException($"Tensor.From: {data.Length} numbers given, shape [{string.Join(", ", shape.ToArray())}] wants {elements}");
        var tensor = Empty(shape, DTypeOf<T>());
        data.CopyTo(new Span<T>((void*)tensor.Data, data.Length));
        return tensor;
    }

    /// <inheritdoc cref="From{T}(ReadOnlySpan{T}, ReadOnlySpan{long})"/>
    public static Tensor From<T>(T[] data, params ReadOnlySpan<long> shape) where T : unmanaged => From((ReadOnlySpan<T>)data, shape);

    /// <summary>A view of <paramref name="shape"/> into these bytes (a UInt8 vector), from <paramref name="offset"/> on; where that is not a whole number of elements, a copy.</summary>
    public Tensor At(long offset, DType type, ReadOnlySpan<long> shape)
    {
        var bytes = (long)Safetensors.ElementSize(type);
        foreach (var side in shape) bytes *= side;
        if (DType != DType.UInt8 || Dims != 1 || offset < 0 || bytes > Elements - offset) throw new ArgumentException($"{bytes} bytes at {offset} of {this}");
        using var part = Narrow(0, offset, bytes);
        if (bytes == 0) return Empty(shape, type);
        if ((Data + offset) % Safetensors.ElementSize(type) != 0)
        {
            var copy = Empty(shape, type);
            Buffer.MemoryCopy((void*)(Data + offset), (void*)copy.Data, bytes, bytes);
            return copy;
        }

        using var typed = view_type.Call(part, type);
        return typed.Reshape(shape);
    }

    /// <summary>The bytes of a file, mapped: a page costs memory when it is touched, and what is written to one stays in this process.</summary>
    public static Tensor Mapped(string path, long length) => from_file.Call(path, false, length, DType.UInt8, Value.None, Device.Cpu);

    private static readonly Op view_type = Op.Find("aten::view", "dtype"), from_file = Op.Find("aten::from_file");

    /// <summary>The elements where they lie, row-major, of a whole tensor in the processor's memory.</summary>
    internal Span<T> Span<T>() where T : unmanaged => new((void*)Data, checked((int)Elements));

    /// <summary>Copies the elements out, row-major; T must be the element type.</summary>
    public T[] ToArray<T>() where T : unmanaged
    {
        if (DTypeOf<T>() != DType) throw new InvalidOperationException($"ToArray<{typeof(T).Name}>: the tensor holds {DType}");
        using var plain = Device == Device.Cpu && IsContiguous ? null : To(Device.Cpu).Contiguous();
        var source = plain ?? this;
        var data = new ReadOnlySpan<T>((void*)source.Data, checked((int)source.Elements)).ToArray();
        GC.KeepAlive(source);
        return data;
    }

    public float[] ToFloats()
    {
        using var floats = Detach().To(DType.Float32);
        return floats.ToArray<float>();
    }

    /// <summary>The single element as a double.</summary>
    public double Item()
    {
        if (Elements != 1) throw new InvalidOperationException($"Item: one element was wanted, this is {this}");
        using var there = Device == Device.Cpu ? null : To(Device.Cpu);
        var at = (void*)(there ?? this).Data;
        return DType switch
        {
            DType.Float32 => *(float*)at,
            DType.Float64 => *(double*)at,
            DType.Float16 => (double)*(Half*)at,
            DType.BFloat16 => BitConverter.Int32BitsToSingle(*(ushort*)at << 16),
            DType.Int64 => *(long*)at,
            DType.Int32 => *(int*)at,
            DType.Int16 => *(short*)at,
            DType.Int8 => *(sbyte*)at,
            _ => *(byte*)at,
        };
    }

    /// <summary>Address of the first element; keep the tensor alive while it is used.</summary>
    public nint Data
    {
        get
        {
            if (Elements == 0) return 0;
            nint data;
            C.Check(C.Data(Handle, &data), "data");
            return data;
        }
    }

    public override string ToString() => IsClosed || IsInvalid ? "Tensor(disposed)" : $"Tensor({DType}, [{string.Join(", ", Shape)}])";

    protected override bool ReleaseHandle()
    {
        if (isCounted) Interlocked.Decrement(ref live);
        var freed = C.Free(handle) == 0;
        Released?.Invoke();
        return freed;
    }

    public static DType DTypeOf<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? DType.Float32 :
        typeof(T) == typeof(double) ? DType.Float64 :
        typeof(T) == typeof(long) ? DType.Int64 :
        typeof(T) == typeof(int) ? DType.Int32 :
        typeof(T) == typeof(short) ? DType.Int16 :
        typeof(T) == typeof(byte) ? DType.UInt8 :
        typeof(T) == typeof(sbyte) ? DType.Int8 :
        typeof(T) == typeof(bool) ? DType.Bool :
        typeof(T) == typeof(Half) ? DType.Float16 :
        throw new NotSupportedException($"no element type for {typeof(T).Name}");
}
