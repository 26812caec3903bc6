using System.Runtime.InteropServices;

namespace Obverse.Torch;

/// <summary>A seeded source of random numbers. Same seed, same numbers; nothing else in the program draws from it.</summary>
public sealed class Generator : SafeHandle
{
    public Generator(ulong seed) : base(0, true) => SetHandle(Library.Pointer(Library.ob_generator(seed), "generator"));

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

    /// <summary>Where what is drawn is put. It is drawn on the processor, so that a seed gives the same numbers everywhere.</summary>
    public Device Device { get; set; } = Device.Cpu;

    public override bool IsInvalid => handle == 0;

    /// <summary>U[low, high), float32.</summary>
    public Tensor Uniform(double low, double high, params ReadOnlySpan<long> shape) => Put(uniform.CallInPlace(Tensor.Empty(shape), low, high, this));

    /// <summary>N(0, 1), float32.</summary>
    public Tensor Normal(params ReadOnlySpan<long> shape) => Put(normal.CallInPlace(Tensor.Empty(shape), 0.0, 1.0, this));

    /// <summary>Whole numbers low … high-1, int64.</summary>
    public Tensor Integers(long low, long high, params ReadOnlySpan<long> shape) => Put(random.CallInPlace(Tensor.Empty(shape, DType.Int64), low, high, this));

    /// <summary>A random order of 0 … n-1, int64.</summary>
    public Tensor Permutation(long n) => Put(permutation.Call(n, this, DType.Int64, Value.None, Device.Cpu));

    /// <summary>One number of U[low, high).</summary>
    public double Next(double low = 0, double high = 1)
    {
        using var one = uniform.CallInPlace(Tensor.Empty([1]), low, high, this);
        return one.Item();
    }

    private Tensor Put(Tensor drawn)
    {
        if (Device == Device.Cpu) return drawn;
        var there = drawn.To(Device);
        drawn.Dispose();
        return there;
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
