using System.Runtime.InteropServices;

namespace Obverse.Torch;

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

    /// <summary>A tensor that belongs to no scope; one that lives as long as the process is not counted as live.</summary>
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

    /// <summary>Called once when this handle goes.</summary>
    internal Action? Released { get; set; }

    /// <summary>Type, shape and device, for messages.</summary>
    internal string Described => $"{DType} [{string.Join(", ", Shape)}]{(Device == Device.Cpu ? "" : $" on {Device}")}";

    internal nint Handle => IsClosed ? throw new ObjectDisposedException(nameof(Tensor)) : handle;

    /// <summary>Another handle to the very same tensor, history and gradient included, that belongs to no scope.</summary>
    internal Tensor Alias()
    {
        nint copy;
        C.Check(C.Copy(Handle, &copy), "copy of a handle");
        return Unscoped(copy);
    }

    /// <summary>Runs something whose one result belongs to the caller, whatever scope is open; what else it makes is disposed.</summary>
    public static Tensor Owned(Func<Tensor> body) => TensorScope.Unscoped(() => TensorScope.Of(body));

    /// <summary>A copy without history that belongs to the caller, whatever scope is open.</summary>
    public Tensor OwnedCopy() => Owned(() => Detach().Clone());

    public long Size(int dim)
    {
        var sizes = Sizes;
        var at = dim < 0 ? dim + sizes.Length : dim;
        return at >= 0 && at < sizes.Length ? sizes[at] : throw new ArgumentOutOfRangeException(nameof(dim), dim, $"a tensor of {sizes.Length} dimensions");
    }

    public override string ToString() => IsClosed || IsInvalid ? "Tensor(disposed)" : $"Tensor({DType}, [{string.Join(", ", Shape)}])";

    protected override bool ReleaseHandle()
    {
        if (isCounted) Interlocked.Decrement(ref live);
        var freed = C.Free(handle) == 0;
        Released?.Invoke();
        return freed;
    }
}
