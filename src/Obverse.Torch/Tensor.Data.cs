namespace Obverse.Torch;

/// <summary>libtorch's element types, with its own numbers.</summary>
public enum DType { UInt8 = 0, Int8 = 1, Int16 = 2, Int32 = 3, Int64 = 4, Float16 = 5, Float32 = 6, Float64 = 7, Bool = 11, BFloat16 = 15 }

/// <summary>Numbers in and out, and the memory that they lie in.</summary>
public sealed unsafe partial class Tensor
{
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
