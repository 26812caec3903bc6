using System.Globalization;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>Mean PSNR in dB of a bank's renderings under noise of a length: to the entry's own rendering (infinite at 0), and to the blurred picture it was fitted to (NaN where that is gone).</summary>
public readonly record struct NoisePoint(double Size, double ToOwn, double ToTarget);

/// <summary>The points of one bank, under its name.</summary>
public sealed record NoiseCurve(string Name, IReadOnlyList<NoisePoint> Points);

/// <summary>
/// What small changes of the weights do to a bank's renderings: every weight matrix is moved by a random matrix of a part of its own length (layer-wise, biases untouched, as the perturbation of
/// <see cref="InrFit"/>). A bank of flat minima loses less.
/// </summary>
public sealed record WeightNoise
{
    /// <summary>Lengths of the noise as a part of a matrix's own.</summary>
    public IReadOnlyList<double> Sizes { get; init; } = [0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1];

    /// <summary>Random matrices for each entry and size.</summary>
    public int Draws { get; init; } = 3;
    public ulong Seed { get; init; } = 1;

    /// <summary>Over entries and draws; rendered at the side they were fitted at.</summary>
    /// <param name="bank">Whose entries.</param>
    /// <param name="entries">Which of them.</param>
    /// <param name="name">Of the bank; how it was fitted is added.</param>
    public NoiseCurve Measure(InrBank bank, IReadOnlyList<long> entries, string name)
    {
        var side = bank.Settings?.Side ?? 96;
        var (own, target) = (new double[Sizes.Count], new double[Sizes.Count]);
        foreach (var entry in entries)
        {
            using var scope = new TensorScope();
            using var still = new NoGrad();
            using var canvas = bank.Take(entry, side, side);
            Tensor[] weights = [.. canvas.Groups.Select(layer => layer.Parameters[0])];
            Tensor[] fitted = [.. weights.Select(weight => weight.Detach().Clone())];
            var (plain, wanted) = (canvas.Colours().Clamp(-1, 1), bank.Target(entry));
            for (var draw = 0; draw < Draws; draw++)
            {
                using var random = Generator.For(Seed, (ulong)entry, (ulong)draw);
                Tensor[] ways = [.. fitted.Select(weight => random.Normal(weight.Shape) is var noise ? noise * (weight.Norm() / noise.Norm()) : weight)];
                for (var s = 0; s < Sizes.Count; s++)
                {
                    using var inner = new TensorScope();
                    for (var l = 0; l < weights.Length; l++) weights[l].CopyInPlace(fitted[l] + ways[l] * Sizes[s]);
                    var moved = canvas.Colours().Clamp(-1, 1);
                    own[s] += Psnr(moved, plain);
                    target[s] += wanted is null ? double.NaN : Psnr(moved, wanted);
                }
            }
        }

        double count = entries.Count * Draws;
        return new(name + Fitted(bank), [.. Sizes.Select((size, s) => new NoisePoint(size, own[s] / count, target[s] / count))]);
    }

    /// <summary>PSNR against the length of the noise, two curves a bank.</summary>
    public static Picture Plot(IEnumerable<NoiseCurve> curves) => new LinePlot
    {
        Title = "Renderings under noise in the weights", XLabel = "length of the noise / length of the matrix, every layer", YLabel = "PSNR, dB",
        Series = [.. curves.SelectMany(curve => new[] { Line(curve, "to its own rendering", at => at.ToOwn), Line(curve, "to the blurred picture", at => at.ToTarget) }).Where(line => !line.Y.All(double.IsNaN))],
    }.Draw();

    private static Series Line(NoiseCurve curve, string what, Func<NoisePoint, double> value) => new($"{curve.Name}, {what}", [.. curve.Points.Select(value)], [.. curve.Points.Select(at => at.Size)]);

    private static string Fitted(InrBank bank) => bank.Settings is not { } how ? "" : how.Fit.Gamma > 0 ? string.Create(CultureInfo.InvariantCulture, $" (AWP {how.Fit.Gamma})") : " (plain)";

    // Colours in -1 … 1: a span of 2.
    private static double Psnr(Tensor a, Tensor b) => 10 * Math.Log10(4 / (a - b).Square().Mean().Item());
}
