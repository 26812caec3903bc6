using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>Where the time of a UNet's step goes: its operators at the sizes that count, processor seconds each; convolutions and norms with channels first and last.</summary>
internal static class UNetParts
{
    public static void Run(int repeats)
    {
        using var still = new NoGrad();
        using var random = new Generator(1);
        foreach (var (channels, side) in new[] { (320, 64), (640, 32), (1280, 16) })
        {
            using var scope = new TensorScope();
            var (x, weight, bias) = (random.Normal(2, channels, side, side), random.Normal(channels, channels, 3, 3), random.Normal(channels));
            var (last, lastWeight) = (x.ChannelsLast(), weight.ChannelsLast());
            Tell($"conv {channels} at {side}", () => x.Conv2d(weight, bias, 1, 1));
            Tell($"conv {channels} at {side}, channels last", () => last.Conv2d(lastWeight, bias, 1, 1));
            var (gain, offset) = (random.Normal(channels), random.Normal(channels));
            Tell($"norm {channels} at {side}", () => x.GroupNorm(32, gain, offset, 1e-5));
            Tell($"norm {channels} at {side}, channels last", () => last.GroupNorm(32, gain, offset, 1e-5));
            Tell($"silu {channels} at {side}", () => x.Silu());
            var (tokens, depth) = (side * side, channels / 8);
            Tensor Heads(int count) => random.Normal(2, count, 8, depth).Transpose(1, 2);
            var (q, k, v, few) = (Heads(tokens), Heads(tokens), Heads(tokens), Heads(77));
            Tell($"self-attention {channels} at {side}", () => Tensor.Attention(q, k, v));
            Tell($"self-attention {channels} at {side}, by products", () => (q * (1 / Math.Sqrt(depth))).Matmul(k.Transpose(-2, -1)).Softmax(-1).Matmul(v));
            Tell($"cross-attention {channels} at {side}", () => Tensor.Attention(q, few, few));
            var (places, wide) = (random.Normal(2, tokens, channels), random.Normal(8 * channels, channels));
            Tell($"linear {channels} to {8 * channels} at {side}", () => places.Linear(wide));
            var halves = places.Linear(wide).Chunk(2, -1);
            Tell($"gated gelu {4 * channels} at {side}", () => halves[0] * halves[1].Gelu());
        }

        void Tell(string what, Func<Tensor> body)
        {
            var seconds = Timing.LeastProcessor(repeats, () =>
            {
                using var inner = new TensorScope();
                _ = body();
            });
            Console.WriteLine(FormattableString.Invariant($"{what,-48} {seconds:0.0000}"));
        }
    }
}
