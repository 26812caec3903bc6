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
    internal Tensor(nint impl) : base(0, ownsHandle: true)
    {
        SetHandle(impl);
        TensorScope.Adopt(this);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Tensors that C# holds now, in all threads.</summary>
    public static long Live => Library.ob_live();

    public long[] Shape
    {
        get
        {
            var facts = Facts;
            return new ReadOnlySpan<long>(facts.Sizes, facts.Dims).ToArray();
        }
    }

    public int Dims => Facts.Dims;
    public long Elements => Facts.Elements;
    public DType DType => (DType)Facts.DType;
    public Device Device => Facts is var f && f.Device == 0 ? Device.Cpu : new((DeviceType)f.Device, f.Index);
    public bool IsContiguous => Facts.Contiguous != 0;

    /// <summary>True where gradients are recorded. Setting it makes a leaf.</summary>
    public bool RequiresGrad
    {
        get => Facts.RequiresGrad != 0;
        set
        {
            Library.Check(Library.ob_set_requires_grad(Handle, value ? 1 : 0), "requires_grad");
            GC.KeepAlive(this);
        }
    }

    /// <summary>The gradient that <see cref="Backward"/> left here, a new handle each time; null where there is none.</summary>
    public Tensor? Grad
    {
        get
        {
            var gradient = Library.ob_gradient(Handle);
            GC.KeepAlive(this);
            return gradient == 0 ? null : new Tensor(gradient);
        }
        set
        {
            Library.Check(Library.ob_set_gradient(Handle, value?.Handle ?? 0), "grad");
            GC.KeepAlive(this);
            GC.KeepAlive(value);
        }
    }

    internal nint Handle => IsClosed ? throw new ObjectDisposedException(nameof(Tensor)) : handle;

    private Facts Facts
    {
        get
        {
            Facts facts;
            Library.Check(Library.ob_facts(Handle, &facts), "shape");
            GC.KeepAlive(this);
            return facts;
        }
    }

    public long Size(int dim)
    {
        var facts = Facts;
        var at = dim < 0 ? dim + facts.Dims : dim;
        return at >= 0 && at < facts.Dims ? facts.Sizes[at] : throw new ArgumentOutOfRangeException(nameof(dim), dim, $"a tensor of {facts.Dims} dimensions");
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

    /// <summary>A tensor over memory that somebody else owns; <paramref name="release"/> is called once, from any thread, when libtorch lets go of it.</summary>
    public static Tensor Over(nint memory, DType type, ReadOnlySpan<long> shape, Action release)
    {
        var context = GCHandle.Alloc(release);
        fixed (long* sizes = shape)
        {
            return new Tensor(Library.Pointer(Library.ob_from_blob((void*)memory, (int)type, sizes, shape.Length, &Release, GCHandle.ToIntPtr(context)), "from_blob"));
        }
    }

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
    public double Item() => local_scalar.CallNumber(this);

    private static readonly Op local_scalar = Op.Find("aten::_local_scalar_dense");

    /// <summary>Address of the first element; keep the tensor alive while it is used.</summary>
    public nint Data => Elements == 0 ? 0 : Library.Pointer(Library.ob_data(Handle), "data");

    /// <summary>Adds d(this)/d(leaf) to the gradient of every leaf below. <paramref name="seed"/> is needed where this is not one number.</summary>
    public void Backward(Tensor? seed = null, bool keepGraph = false)
    {
        Library.Check(Library.ob_backward(Handle, seed?.Handle ?? 0, keepGraph ? 1 : 0), "backward");
        GC.KeepAlive(this);
        GC.KeepAlive(seed);
    }

    /// <summary>d(output)/d(input) for every input; null where an input does not reach the output.</summary>
    public static Tensor?[] Gradients(Tensor output, IReadOnlyList<Tensor> inputs, Tensor? seed = null, bool keepGraph = false, bool createGraph = false)
    {
        var handles = stackalloc nint[inputs.Count];
        var found = stackalloc nint[inputs.Count];
        for (var i = 0; i < inputs.Count; i++) handles[i] = inputs[i].Handle;
        var (root, start) = (output.Handle, seed?.Handle ?? 0);
        Library.Check(Library.ob_grad(&root, 1, handles, inputs.Count, seed is null ? null : &start, keepGraph || createGraph ? 1 : 0, createGraph ? 1 : 0, found), "grad");
        GC.KeepAlive(output);
        GC.KeepAlive(seed);
        GC.KeepAlive(inputs);
        var gradients = new Tensor?[inputs.Count];
        for (var i = 0; i < gradients.Length; i++) gradients[i] = found[i] == 0 ? null : new Tensor(found[i]);
        return gradients;
    }

    public override string ToString() => IsClosed || IsInvalid ? "Tensor(disposed)" : $"Tensor({DType}, [{string.Join(", ", Shape)}])";

    protected override bool ReleaseHandle()
    {
        Library.ob_free(handle);
        return true;
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

    [UnmanagedCallersOnly]
    private static void Release(nint context)
    {
        var release = GCHandle.FromIntPtr(context);
        ((Action)release.Target!)();
        release.Free();
    }
}
