namespace Obverse.Torch;

/// <summary>A number argument that may be whole or real; libtorch's type promotion tells them apart.</summary>
public readonly record struct Scalar
{
    internal readonly double Real;
    internal readonly long Integer;
    internal readonly bool IsReal;

    private Scalar(double real, long integer, bool isReal) => (Real, Integer, IsReal) = (real, integer, isReal);

    public static implicit operator Scalar(int number) => new(number, number, false);
    public static implicit operator Scalar(long number) => new(number, number, false);
    public static implicit operator Scalar(double number) => new(number, 0, true);
}

/// <summary>
/// Numbers as tensors without dimensions, since libtorch's C functions take no Scalar: the overloads for tensors do the same with them, and they widen nothing. Each thread
/// caches those that it asked for twice, so a number in a loop is seldom made again.
/// </summary>
internal static unsafe class Numbers
{
    private const int Places = 256; // a power of two

    [ThreadStatic] private static Place[]? cache;

    /// <summary>The number in the type in which it meets this tensor: its own, float32 for half ones (the kernels compute in it), what promotion gives otherwise.</summary>
    public static Tensor For(Tensor like, Scalar number)
    {
        var type = like.DType switch
        {
            DType.Float64 => DType.Float64,
            DType.Float32 or DType.Float16 or DType.BFloat16 => DType.Float32,
            _ => number.IsReal ? DType.Float32 : DType.Int64,
        };
        return Of(number, type);
    }

    /// <summary>The same where an operator wants all its tensors on one device.</summary>
    public static Tensor Beside(Tensor like, Scalar number) => like.Device is var device && device == Device.Cpu ? For(like, number) : For(like, number).To(device);

    // Cached only when a place is asked for the same number twice in a row: a rate that differs at every step would stay between the large blocks of a step, and the heap would grow round it.
    private static Tensor Of(Scalar number, DType type)
    {
        var bits = type == DType.Int64 ? number.Integer : BitConverter.DoubleToInt64Bits(number.Real);
        ref var place = ref (cache ??= new Place[Places])[(int)((ulong)(bits * 31 + (int)type) * 0x9E3779B97F4A7C15UL >> 56) & Places - 1];
        if (place.Tensor is { } known && place.Bits == bits && place.Type == type) return known;
        LibTorch.Ensure();
        nint made;
        C.Check(type switch
        {
            DType.Float32 => C.Number32((float)number.Real, &made),
            DType.Float64 => C.Number64(number.Real, &made),
            _ => C.Whole(number.Integer, &made),
        }, "number");
        if (place.Asked != (bits, type))
        {
            place.Asked = (bits, type);
            return new(made);
        }

        var tensor = Tensor.Unscoped(made, isCounted: false);
        place.Displaced?.Dispose(); // not the one that goes now: the same call may have asked for it
        (place.Bits, place.Type, place.Displaced, place.Tensor) = (bits, type, place.Tensor, tensor);
        return tensor;
    }

    private struct Place
    {
        public long Bits;
        public DType Type;
        public Tensor? Tensor, Displaced;
        public (long, DType) Asked;
    }
}
