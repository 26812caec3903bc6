using System.Runtime.Intrinsics;

namespace Obverse.Torch;

/// <summary>
/// Normal numbers from uniform words by Box and Muller (1958), eight at once. Logarithm, sine and cosine are short polynomials of products and sums that are rounded
/// one by one, so the same words give the same bits on every processor; libraries' own differ.
/// </summary>
internal static class Normals
{
    /// <summary>Sixteen words to sixteen numbers of N(0, 1).</summary>
    public static void Sixteen(ReadOnlySpan<uint> words, Span<float> normals)
    {
        var u = Vector256.ConvertToSingle((Vector256.Create(words) >>> 8).AsInt32()) * 5.9604645e-8f; // 2^-24: [0, 1)
        var angle = Vector256.ConvertToSingle((Vector256.Create(words[8..]) >>> 8).AsInt32()) * 5.9604645e-8f;
        var length = Vector256.Sqrt(Log(Vector256<float>.One - u) * -2f); // 1 - u is in (0, 1]
        var (sine, cosine) = Turn(angle);
        (length * cosine).CopyTo(normals);
        (length * sine).CopyTo(normals[8..]);
    }

    // Natural logarithm of (0, 1]: x = 2^e m with m in [sqrt(1/2), sqrt(2)), Cephes' logf on m - 1.
    private static Vector256<float> Log(Vector256<float> x)
    {
        var bits = x.AsInt32();
        var e = Vector256.ConvertToSingle(Vector256.ShiftRightArithmetic(bits, 23) - Vector256.Create(126));
        var m = (bits & Vector256.Create(0x007FFFFF) | Vector256.Create(0x3F000000)).AsSingle(); // [1/2, 1)
        var small = Vector256.LessThan(m, Vector256.Create(0.707106781f));
        e -= small & Vector256<float>.One;
        m = m + (small & m) - Vector256<float>.One;
        var p = Vector256.Create(7.0376836292e-2f);
        foreach (var c in (ReadOnlySpan<float>)[-1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f]) p = p * m + Vector256.Create(c);
        var square = m * m;
        return p * m * square + e * -2.12194440e-4f - square * 0.5f + m + e * 0.693359375f;
    }

    // Sine and cosine of a whole turn's part t in [0, 1): by quarters, each within an eighth of a turn of its middle (Cephes' sinf and cosf).
    private static (Vector256<float> Sine, Vector256<float> Cosine) Turn(Vector256<float> t)
    {
        var quarter = Vector256.Floor(t * 4f + Vector256.Create(0.5f));
        var x = (t - quarter * 0.25f) * 6.28318530718f; // [-pi/4, pi/4]; the subtraction is exact
        var z = x * x;
        var sine = ((z * -1.9515295891e-4f + Vector256.Create(8.3321608736e-3f)) * z - Vector256.Create(1.6666654611e-1f)) * z * x + x;
        var cosine = ((z * 2.443315711809948e-5f - Vector256.Create(1.388731625493765e-3f)) * z + Vector256.Create(4.166664568298827e-2f)) * z * z - z * 0.5f + Vector256<float>.One;
        var q = Vector256.ConvertToInt32(quarter);
        var swapped = Vector256.Equals(q & Vector256.Create(1), Vector256.Create(1)).AsSingle();
        var sineSign = Vector256.ShiftLeft(q & Vector256.Create(2), 30).AsSingle();
        var cosineSign = Vector256.ShiftLeft(q + Vector256.Create(1) & Vector256.Create(2), 30).AsSingle();
        return (Vector256.ConditionalSelect(swapped, cosine, sine) ^ sineSign, Vector256.ConditionalSelect(swapped, sine, cosine) ^ cosineSign);
    }
}
