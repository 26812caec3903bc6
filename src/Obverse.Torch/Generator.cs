using System.Runtime.InteropServices;

namespace Obverse.Torch;

/// <summary>A seeded source of random numbers. Same seed, same numbers; nothing else in the program draws from it.</summary>
public sealed class Generator : SafeHandle
{
    public Generator(ulong seed, Device? device = null) : base(0, true)
    {
        Device = device ?? Device.Cpu;
        SetHandle(Library.Pointer(Library.ob_generator(seed, (int)Device.Type, Device.Index), "generator"));
    }

    /// <summary>A generator for one part of a run: the seed and any numbers (step, part) are mixed, so that a run can be taken up at any step.</summary>
    public static Generator For(ulong seed, params ReadOnlySpan<ulong> parts)
    {
        foreach (var part in parts) // splitmix64
        {
            seed += 0x9E3779B97F4A7C15UL * (part + 1);
            seed = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9UL;
            seed = (seed ^ seed >> 27) * 0x94D049BB133111EBUL;
            seed ^= seed >> 31;
        }

        return new(seed);
    }

    public Device Device { get; }

    public override bool IsInvalid => handle == 0;

    /// <summary>U[low, high), float32.</summary>
    public Tensor Uniform(double low, double high, params ReadOnlySpan<long> shape) => uniform.CallInPlace(Tensor.Empty(shape, device: Device), low, high, this);

    /// <summary>N(0, 1), float32.</summary>
    public Tensor Normal(params ReadOnlySpan<long> shape) => normal.CallInPlace(Tensor.Empty(shape, device: Device), 0.0, 1.0, this);

    /// <summary>Whole numbers low … high-1, int64.</summary>
    public Tensor Integers(long low, long high, params ReadOnlySpan<long> shape) => random.CallInPlace(Tensor.Empty(shape, DType.Int64, Device), low, high, this);

    /// <summary>A random order of 0 … n-1, int64.</summary>
    public Tensor Permutation(long n) => permutation.Call(n, this, DType.Int64, Value.None, Device);

    /// <summary>One number of U[low, high).</summary>
    public double Next(double low = 0, double high = 1)
    {
        using var one = Uniform(low, high, 1);
        return one.Item();
    }

    private static readonly Op uniform = Op.Find("aten::uniform_");
    private static readonly Op normal = Op.Find("aten::normal_");
    private static readonly Op random = Op.Find("aten::random_", "from");
    private static readonly Op permutation = Op.Find("aten::randperm", "generator");

    protected override bool ReleaseHandle()
    {
        Library.ob_generator_free(handle);
        return true;
    }
}
