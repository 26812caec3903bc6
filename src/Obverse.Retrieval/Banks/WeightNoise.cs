using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>
/// What small changes of the weights do to a bank's renderings: every weight matrix is moved by a random matrix of so many times its own length (layer-wise, biases untouched, as the perturbation of
/// <see cref="InrFit"/>). A bank of flat minima loses less.
/// </summary>
public sealed record WeightNoise
{
    /// <summary>Lengths of the noise as a part of a matrix's own.</summary>
    public IReadOnlyList<double> Sizes { get; init; } = [0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1];

    /// <summary>Random matrices for each entry and size.</summary>
    public int Draws { get; init; } = 3;
    public ulong Seed { get; init; } = 1;

    /// <summary>Mean PSNR in dB over entries and draws, for each size: to the entry's own rendering (infinite at 0), and to <paramref name="targets"/> (NaN without).</summary>
    /// <param name="bank">Whose entries.</param>
    /// <param name="entries">Which of them.</param>
    /// <param name="side">Of the rendering, in pixels.</param>
    /// <param name="targets">What an entry was fitted to, [1, side · side, 3] in -1 … 1; null where its picture is gone.</param>
    public IReadOnlyList<(double Size, double ToOwn, double ToTarget)> Measure(InrBank bank, IReadOnlyList<long> entries, int side, Func<long, Tensor?> targets)
    {
        var (own, target) = (new double[Sizes.Count], new double[Sizes.Count]);
        foreach (var entry in entries)
        {
            using var scope = new TensorScope();
            using var still = new NoGrad();
            using var canvas = bank.Take(entry, side, side);
            Tensor[] weights = [.. canvas.Groups.Select(layer => layer.Parameters[0])];
            Tensor[] kept = [.. weights.Select(weight => weight.Detach().Clone())];
            var (plain, wanted) = (canvas.Colours().Clamp(-1, 1), targets(entry));
            for (var draw = 0; draw < Draws; draw++)
            {
                using var random = Generator.For(Seed, (ulong)entry, (ulong)draw);
                Tensor[] ways = [.. kept.Select(weight => random.Normal(weight.Shape) is var noise ? noise * (weight.Norm() / noise.Norm()) : weight)];
                for (var s = 0; s < Sizes.Count; s++)
                {
                    using var inner = new TensorScope();
                    for (var l = 0; l < weights.Length; l++) weights[l].CopyInPlace(kept[l] + ways[l] * Sizes[s]);
                    var moved = canvas.Colours().Clamp(-1, 1);
                    own[s] += Psnr(moved, plain);
                    target[s] += wanted is null ? double.NaN : Psnr(moved, wanted);
                }
            }
        }

        double count = entries.Count * Draws;
        return [.. Sizes.Select((size, s) => (size, own[s] / count, target[s] / count))];
    }

    // Colours in -1 … 1: a span of 2.
    private static double Psnr(Tensor a, Tensor b) => 10 * Math.Log10(4 / (a - b).Square().Mean().Item());
}
