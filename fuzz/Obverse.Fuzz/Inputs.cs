namespace Obverse.Fuzz;

/// <summary>Input number n of a target and a seed: the same bytes on every machine with the same corpus.</summary>
internal sealed class Inputs(Target target, int seed)
{
    private readonly IReadOnlyList<byte[]> whole = target.Seeds(), seeds = [.. target.Seeds(), .. target.Donors()];

    public int SeedCount => whole.Count;

    public byte[] this[int n]
    {
        get
        {
            if (n < whole.Count) return seeds[n]; // as they are: what is whole must stay readable
            var random = new Random(Mix(seed, n));
            var from = random.Next(2) == 0 ? whole : seeds;
            var input = from[random.Next(from.Count)];
            for (var changes = 1 + (random.Next(3) == 0 ? random.Next(8) : 0); changes > 0; changes--)
            {
                input = target.Structured is { } structured && random.Next(2) == 0 ? structured(random, input) : ByteMutator.Mutate(random, input, seeds);
            }

            if (input.Length > 1 << 20) input = input[..(1 << 20)];
            return target.Extension == ".png" && random.Next(2) == 0 ? PngMutator.Mend(input) : input;
        }
    }

    private static int Mix(int seed, int n)
    {
        var x = unchecked((uint)seed * 0x9E3779B1u ^ (uint)n * 0x85EBCA77u);
        x ^= x >> 15;
        return (int)(x * 0x2C1B3C6Du >> 1);
    }
}
