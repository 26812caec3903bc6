namespace Obverse.Evaluation;

/// <summary>numpy.random.RandomState as far as the evaluation libraries shuffle with it: the Mersenne twister (Matsumoto and Nishimura 1998), its seeding, permutations and draws without replacement.</summary>
public sealed class NumpyRandom
{
    private const int Length = 624, Middle = 397;

    private readonly uint[] state = new uint[Length];
    private int at = Length;

    public NumpyRandom(uint seed)
    {
        state[0] = seed;
        for (var i = 1; i < Length; i++) state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >> 30)) + (uint)i; // init_genrand
    }

    /// <summary>The next 32 bits.</summary>
    public uint Next()
    {
        if (at == Length) Refill();
        var y = state[at++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >> 18);
    }

    /// <summary>0 … n - 1 in a random order, as <c>permutation(n)</c>.</summary>
    public int[] Permutation(int n)
    {
        int[] places = [.. Enumerable.Range(0, n)];
        for (var i = n - 1; i > 0; i--)
        {
            var j = UpTo((uint)i);
            (places[i], places[j]) = (places[j], places[i]);
        }

        return places;
    }

    /// <summary>As <c>choice(n, count, replace=False)</c>.</summary>
    public int[] Choice(int n, int count) => count <= n ? Permutation(n)[..count] : throw new ArgumentException($"{count} of {n} were asked for");

    // By refusal under a mask: numpy's legacy bounded integers.
    private int UpTo(uint most)
    {
        var mask = most;
        for (var shift = 1; shift < 32; shift <<= 1) mask |= mask >> shift;
        uint drawn;
        do drawn = Next() & mask;
        while (drawn > most);
        return (int)drawn;
    }

    private void Refill()
    {
        for (var i = 0; i < Length; i++)
        {
            var y = (state[i] & 0x80000000) | (state[(i + 1) % Length] & 0x7fffffff);
            state[i] = state[(i + Middle) % Length] ^ (y >> 1) ^ ((y & 1) == 0 ? 0 : 0x9908b0df);
        }

        at = 0;
    }
}
