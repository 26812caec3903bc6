using System.Numerics;

namespace Obverse.Torch;

/// <summary>
/// The activation of FINER and SIREN in one pass: sin(omega (|x| + 1) x), or sin(omega x). By libtorch's operators that is five passes forward and three back, over tensors
/// that are saved for the backward pass; here one each, and only x is saved. The factor |x| + 1 is constant in the gradient (FINER's released code).
/// </summary>
internal static unsafe class FinerSine
{
    private const int Grain = 16384;

    public static Tensor Apply(Tensor x, float omega, float alpha)
    {
        if (x.Device != Device.Cpu || x.DType != DType.Float32) throw new ArgumentException($"FinerSine: float32 on the processor was wanted, this is {x}");
        return Tape.Apply(x, at => Sine(at, omega, alpha), (at, gradient) => Slope(at, gradient, omega, alpha));
    }

    private static Tensor Sine(Tensor given, float omega, float alpha)
    {
        var x = given.Contiguous();
        var y = Tensor.Empty(x.Sizes);
        float* from = (float*)x.Data, to = (float*)y.Data;
        Parallel.For(x.Elements, Grain, (begin, end) =>
        {
            for (; begin + Vector<float>.Count <= end; begin += Vector<float>.Count) Vector.Store(Sine(Vector.Load(from + begin), omega, alpha), to + begin);
            for (; begin < end; begin++) to[begin] = Sine(new Vector<float>(from[begin]), omega, alpha)[0];
        });
        return y;
    }

    private static Tensor Slope(Tensor given, Tensor gradient, float omega, float alpha)
    {
        var (x, g) = (given.Contiguous(), gradient.Contiguous());
        var y = Tensor.Empty(x.Sizes);
        float* from = (float*)x.Data, seed = (float*)g.Data, to = (float*)y.Data;
        Parallel.For(x.Elements, Grain, (begin, end) =>
        {
            for (; begin + Vector<float>.Count <= end; begin += Vector<float>.Count) Vector.Store(Slope(Vector.Load(from + begin), omega, alpha) * Vector.Load(seed + begin), to + begin);
            for (; begin < end; begin++) to[begin] = Slope(new Vector<float>(from[begin]), omega, alpha)[0] * seed[begin];
        });
        return y;
    }

    private static Vector<float> Sine(Vector<float> x, float omega, float alpha)
    {
        var arg = x * ((Vector.Abs(x) * alpha + Vector<float>.One) * omega);
        var q = Vector.Round(arg * 0.318309886183790671538f);
        var r = Reduced(arg, q);
        return Sign(q) * Polynomial(r);
    }

    // omega (|x| + 1) cos(arg): cos(arg) = sin(arg + pi/2), reduced around odd multiples of pi/2.
    private static Vector<float> Slope(Vector<float> x, float omega, float alpha)
    {
        var scale = (Vector.Abs(x) * alpha + Vector<float>.One) * omega;
        var arg = x * scale;
        var half = new Vector<float>(0.5f);
        var q = Vector.Round(arg * 0.318309886183790671538f - half);
        var r = Reduced(arg, q + half); // cos(arg) = -(-1)^q sin(arg - (q + 1/2) pi)
        return -Sign(q) * Polynomial(r) * scale;
    }

    // arg - q pi, pi in three parts (Cody and Waite): exact to float's last bits up to thousands.
    private static Vector<float> Reduced(Vector<float> arg, Vector<float> q) => arg - q * 3.140625f - q * 0.0009670257568359375f - q * 6.2771141529083251953e-07f;

    // 1 where q is even, -1 where it is odd.
    private static Vector<float> Sign(Vector<float> q) => Vector<float>.One - (q * 0.5f - Vector.Floor(q * 0.5f)) * 4f;

    // sin(r) for |r| <= pi/2, degree 9, within 1e-7 (the coefficients of SLEEF's sinf_u35).
    private static Vector<float> Polynomial(Vector<float> r)
    {
        var s = r * r;
        var p = ((s * 2.6083159809786793541503e-06f - new Vector<float>(0.0001981069071916863322258f)) * s + new Vector<float>(0.00833307858556509017944336f)) * s - new Vector<float>(0.166666597127914428710938f);
        return r + r * s * p;
    }
}
