using System.Numerics;

namespace Obverse.Torch;

/// <summary>y += alpha x, over y: what every plain step of an optimiser is. libtorch's own takes alpha as a Scalar, which no C function passes.</summary>
internal static unsafe class Axpy
{
    private const int Grain = 16384;

    /// <summary>True for two float32 tensors of one shape that lie whole in the processor's memory.</summary>
    public static bool Fits(Tensor y, Tensor x) =>
        y.DType == DType.Float32 && x.DType == DType.Float32 && y.Device == Device.Cpu && x.Device == Device.Cpu && y.IsContiguous && x.IsContiguous && y.Sizes.SequenceEqual(x.Sizes);

    public static Tensor Add(Tensor y, Tensor x, float alpha)
    {
        float* to = (float*)y.Data, from = (float*)x.Data;
        var n = y.Elements;
        if (n <= Grain) Add(to, from, alpha, 0, n);
        else InParts(to, from, alpha, n);
        GC.KeepAlive(x);
        return y;
    }

    // Apart from the small case, which then allocates nothing.
    private static void InParts(float* to, float* from, float alpha, long n) => Parallel.For(n, Grain, (begin, end) => Add(to, from, alpha, begin, end));

    private static void Add(float* to, float* from, float alpha, long begin, long end)
    {
        for (; begin + Vector<float>.Count <= end; begin += Vector<float>.Count) Vector.Store(Vector.Load(to + begin) + Vector.Load(from + begin) * alpha, to + begin);
        for (; begin < end; begin++) to[begin] += from[begin] * alpha;
    }
}
