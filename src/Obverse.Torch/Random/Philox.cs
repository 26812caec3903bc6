using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Obverse.Torch;

/// <summary>
/// Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"): four words from a key and a counter, so what is drawn
/// is a function of both, the same on every machine. Blocks of eight counters are computed side by side.
/// </summary>
internal static class Philox
{
    /// <summary>Words of a block: words 0 of the eight counters, then words 1, 2 and 3.</summary>
    public const int Block = 32;

    private const uint M0 = 0xD2511F53, M1 = 0xCD9E8D57, W0 = 0x9E3779B9, W1 = 0xBB67AE85;

    /// <summary>The four words of one counter, as the paper has them.</summary>
    public static (uint, uint, uint, uint) One(ulong key, ulong counter, ulong high = 0)
    {
        var (c0, c1, c2, c3) = ((uint)counter, (uint)(counter >> 32), (uint)high, (uint)(high >> 32));
        var (k0, k1) = ((uint)key, (uint)(key >> 32));
        for (var round = 0; round < 10; round++)
        {
            var (p0, p1) = ((ulong)M0 * c0, (ulong)M1 * c2);
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            (k0, k1) = (k0 + W0, k1 + W1);
        }

        return (c0, c1, c2, c3);
    }

    /// <summary>Eight counters from <paramref name="counter"/> on: a block of words.</summary>
    public static void Eight(ulong key, ulong counter, Span<uint> words)
    {
        var counters = Vector256.Create((uint)counter) + Vector256.Create(0u, 1, 2, 3, 4, 5, 6, 7);
        // Counters go in eights from 0, so the low half never overflows within a block.
        var (c0, c1, c2, c3) = (counters, Vector256.Create((uint)(counter >> 32)), Vector256<uint>.Zero, Vector256<uint>.Zero);
        var (k0, k1) = ((uint)key, (uint)(key >> 32));
        for (var round = 0; round < 10; round++)
        {
            var (high0, low0) = Product(c0, M0);
            var (high1, low1) = Product(c2, M1);
            (c0, c1, c2, c3) = (high1 ^ c1 ^ Vector256.Create(k0), low1, high0 ^ c3 ^ Vector256.Create(k1), low0);
            (k0, k1) = (k0 + W0, k1 + W1);
        }

        c0.CopyTo(words);
        c1.CopyTo(words[8..]);
        c2.CopyTo(words[16..]);
        c3.CopyTo(words[24..]);
    }

    private static (Vector256<uint> High, Vector256<uint> Low) Product(Vector256<uint> a, uint b)
    {
        var even = Wide(a, b).AsUInt32();
        var odd = Wide(Vector256.ShiftRightLogical(a.AsUInt64(), 32).AsUInt32(), b).AsUInt32();
        var highs = Vector256.Create(0u, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue);
        return (Vector256.ConditionalSelect(highs, odd, Vector256.ShiftRightLogical(even.AsUInt64(), 32).AsUInt32()),
            Vector256.ConditionalSelect(highs, Vector256.ShiftLeft(odd.AsUInt64(), 32).AsUInt32(), even));
    }

    // The even words times b, 64 bits each.
    private static Vector256<ulong> Wide(Vector256<uint> a, uint b) => Avx2.IsSupported ? Avx2.Multiply(a, Vector256.Create(b)) : (a.AsUInt64() & Vector256.Create(0xFFFFFFFFUL)) * Vector256.Create((ulong)b);
}
