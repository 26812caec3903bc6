namespace Obverse.Torch;

/// <summary>
/// A seeded source of random numbers: Philox4x32-10, a key and a counter, so a seed gives the same numbers on every machine and with every libtorch.
/// It owns nothing; `using` it is not needed and harmless.
/// </summary>
public sealed class Generator(ulong seed) : IDisposable
{
    /// <summary>What a run's record calls this source. Runs before it was stored drew from libtorch's Mersenne twister.</summary>
    public const string Name = "philox4x32-10";

    private ulong counter;

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

    /// <summary>U[low, high), float32.</summary>
    public Tensor Uniform(double low, double high, params ReadOnlySpan<long> shape)
    {
        var drawn = Tensor.Empty(shape);
        var (from, width, last) = ((float)low, (float)(high - low), MathF.BitDecrement((float)high));
        Fill(drawn.Span<float>(), (words, to) =>
        {
            for (var i = 0; i < to.Length; i++) to[i] = Math.Min((words[i] >> 8) * 5.9604645e-8f * width + from, last); // 2^-24; what rounds up to high stays below it
        });
        return Put(drawn);
    }

    /// <summary>N(0, 1), float32.</summary>
    public Tensor Normal(params ReadOnlySpan<long> shape)
    {
        var drawn = Tensor.Empty(shape);
        Fill(drawn.Span<float>(), (words, to) =>
        {
            Span<float> block = stackalloc float[Philox.Block];
            Normals.Sixteen(words, block);
            Normals.Sixteen(words[16..], block[16..]);
            block[..to.Length].CopyTo(to);
        });
        return Put(drawn);
    }

    /// <summary>Whole numbers low … high-1, int64.</summary>
    public Tensor Integers(long low, long high, params ReadOnlySpan<long> shape)
    {
        if (high <= low) throw new ArgumentOutOfRangeException(nameof(high), high, $"more than {low} was wanted");
        var drawn = Tensor.Empty(shape, DType.Int64);
        foreach (ref var number in drawn.Span<long>()) number = low + Below(high - low);
        return Put(drawn);
    }

    /// <summary>A random order of 0 … n-1, int64 (Fisher and Yates).</summary>
    public Tensor Permutation(long n)
    {
        var drawn = Tensor.Empty([n], DType.Int64);
        var order = drawn.Span<long>();
        for (var i = 0; i < order.Length; i++) order[i] = i;
        for (var i = order.Length - 1; i > 0; i--)
        {
            var other = (int)Below(i + 1);
            (order[i], order[other]) = (order[other], order[i]);
        }

        return Put(drawn);
    }

    /// <summary>One number of U[low, high).</summary>
    public double Next(double low = 0, double high = 1) => low + (Long() >> 11) * (1.0 / (1UL << 53)) * (high - low);

    public void Dispose()
    {
    }

    private long Below(long n) => (long)Math.BigMul(Long(), (ulong)n, out _); // the high half of a product: biased by less than n / 2^64

    private ulong Long()
    {
        var (a, b, _, _) = Philox.One(seed, counter++);
        return (ulong)b << 32 | a;
    }

    private delegate void Write<T>(ReadOnlySpan<uint> words, Span<T> to);

    // Blocks of words, each for as many elements; a draw begins with a block of its own.
    private void Fill<T>(Span<T> to, Write<T> write)
    {
        Span<uint> words = stackalloc uint[Philox.Block];
        counter = (counter + 7) / 8 * 8;
        for (var at = 0; at < to.Length; at += Philox.Block, counter += 8)
        {
            Philox.Eight(seed, counter, words);
            write(words, to.Slice(at, Math.Min(Philox.Block, to.Length - at)));
        }
    }

    private Tensor Put(Tensor drawn)
    {
        if (Device == Device.Cpu) return drawn;
        var there = drawn.To(Device);
        drawn.Dispose();
        return there;
    }
}
