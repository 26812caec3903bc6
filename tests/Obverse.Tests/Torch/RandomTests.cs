using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Torch;

/// <summary>Random numbers of our own: the published generator to the bit, and distributions that are what they say.</summary>
public class RandomTests
{
    [Fact]
    public void Philox_gives_the_published_words()
    {
        // Random123's known answers (kat_vectors, philox 4 32 10).
        Assert.Equal((0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u), Philox.One(0, 0));
        Assert.Equal((0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu), Philox.One(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue));
        Assert.Equal((0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u), Philox.One(0x299f31d0_a4093822, 0x85a308d3_243f6a88, 0x03707344_13198a2e));
    }

    [Fact]
    public void Eight_side_by_side_are_eight_one_by_one()
    {
        Span<uint> words = stackalloc uint[Philox.Block];
        foreach (var start in new ulong[] { 0, 8, 0xFFFFFFF8, 0x1_00000000, 0xABCDEF00_12345678 })
        {
            Philox.Eight(0x0123456789ABCDEF, start, words);
            for (var lane = 0; lane < 8; lane++) Assert.Equal(Philox.One(0x0123456789ABCDEF, start + (ulong)lane), (words[lane], words[8 + lane], words[16 + lane], words[24 + lane]));
        }
    }

    [Fact]
    public void A_seed_gives_these_numbers_on_every_machine()
    {
        using var scope = new TensorScope();
        var (uniform, normal) = (new Generator(7).Uniform(0, 1, 4).ToFloats(), new Generator(7).Normal(4).ToFloats());
        Assert.Equal(Expected.Uniform, uniform.Select(BitConverter.SingleToUInt32Bits));
        Assert.Equal(Expected.Normal, normal.Select(BitConverter.SingleToUInt32Bits));
    }

    [Fact]
    public void Seed_and_every_part_of_it_and_their_order_count()
    {
        double First(ulong seed, params ulong[] parts)
        {
            using var random = Generator.For(seed, parts);
            return random.Next();
        }

        double[] firsts = [First(7), First(8), First(7, 0), First(7, 1), First(8, 1), First(7, 1, 0), First(7, 0, 1), First(7, 1, 1), First(7, 1, 0, 0), First(7, 1, 0, 1)];
        Assert.Equal(firsts.Length, firsts.Distinct().Count());
        Assert.Equal(First(7, 1, 2), First(7, 1, 2));
    }

    [Fact]
    public void Normal_numbers_are_normal()
    {
        using var scope = new TensorScope();
        var x = new Generator(3).Normal(1_000_000);
        var d = x.To(DType.Float64);
        Assert.InRange(d.Mean().Item(), -0.004, 0.004); // four standard errors
        Assert.InRange(d.Square().Mean().Item(), 1 - 0.006, 1 + 0.006);
        Assert.InRange((d * d * d).Mean().Item(), -0.016, 0.016);
        Assert.InRange(d.Square().Square().Mean().Item(), 3 - 0.04, 3 + 0.04);
        Assert.InRange((d > 1.959964).To(DType.Float64).Mean().Item(), 0.025 - 0.0007, 0.025 + 0.0007);
        Assert.Equal(1, x.IsFinite().All().Item());
        Assert.InRange((d[..^1] * d[1..]).Mean().Item(), -0.004, 0.004); // neighbours know nothing of each other
    }

    [Fact]
    public void Normal_numbers_follow_Box_and_Muller_in_double()
    {
        Span<uint> words = stackalloc uint[16];
        Span<float> normals = stackalloc float[16];
        for (ulong i = 0; i < 2000; i += 4)
        {
            for (var w = 0; w < 16; w += 4) (words[w], words[w + 1], words[w + 2], words[w + 3]) = Philox.One(5, i + (ulong)w / 4);
            Normals.Sixteen(words, normals);
            for (var lane = 0; lane < 8; lane++)
            {
                var (u, angle) = ((words[lane] >> 8) / 16777216.0, (words[8 + lane] >> 8) / 16777216.0 * 2 * Math.PI);
                var length = Math.Sqrt(-2 * Math.Log(1 - u));
                Assert.InRange(normals[lane] - length * Math.Cos(angle), -2e-6, 2e-6);
                Assert.InRange(normals[8 + lane] - length * Math.Sin(angle), -2e-6, 2e-6);
            }
        }
    }

    [Fact]
    public void Others_stay_in_their_bounds_and_reach_them()
    {
        using var scope = new TensorScope();
        using var random = new Generator(11);
        var uniform = random.Uniform(-2, 3, 100_000);
        Assert.InRange(uniform.Min().Item(), -2, -1.999);
        Assert.InRange(uniform.Max().Item(), 2.999, Math.BitDecrement(3.0));
        Assert.InRange(uniform.Mean().Item(), 0.48, 0.52);
        var whole = random.Integers(-3, 4, 10_000);
        Assert.Equal((-3, 3), (whole.Min().Item(), whole.Max().Item()));
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => (long)i), random.Permutation(1000).ToArray<long>().Order());
        Assert.NotEqual(random.Permutation(1000).ToArray<long>(), random.Permutation(1000).ToArray<long>());
        Assert.InRange(Enumerable.Range(0, 10_000).Average(_ => random.Next(2, 4)), 2.97, 3.03);
    }

    [Fact]
    public void One_call_follows_another_and_none_repeats()
    {
        using var scope = new TensorScope();
        using var random = new Generator(9);
        float[] drawn = [.. random.Uniform(0, 1, 5).ToFloats(), .. random.Uniform(0, 1, 40).ToFloats(), (float)random.Next(), .. random.Uniform(0, 1, 5).ToFloats()];
        Assert.Equal(drawn.Length, drawn.Distinct().Count());
    }

    private static class Expected
    {
        public static readonly uint[] Uniform = [1064591482, 1053842716, 1002901888, 1053280300];
        public static readonly uint[] Normal = [991679304, 1049815808, 1038206351, 3125964038];
    }
}
