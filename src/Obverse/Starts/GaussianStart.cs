using System.Text.Json.Serialization;
using Obverse.Torch;

namespace Obverse;

/// <summary>The start picture that CLIPAG chooses (spec clipag.md 4.2): of many samples of a <see cref="GaussianMixture"/>, the one whose embedding is nearest to the prompt.</summary>
/// <param name="Mixture">The mixture's file: a path, or a name of the zoo.</param>
/// <param name="Samples">Pictures drawn.</param>
/// <param name="PerClass">Sample i is of class i div this. 50, as the notebook has it, so only the first 20 classes are used; it meant 5 of 200.</param>
/// <param name="Normalizes">Samples are encoded with the encoder's mean and deviation taken off; the notebook leaves that out.</param>
public sealed record GaussianStart(string Mixture = "pocket-gaussians", [property: Limit(1, 100_000)] int Samples = 1000, [property: Limit(1, 100_000)] int PerClass = 50, bool Normalizes = false)
{
    private const int Batch = 50;

    [JsonIgnore]
    public IReadOnlyList<string> NeededWeights => [Mixture];

    /// <summary>[1, 3, height, width] in [0, 1].</summary>
    public Tensor Choose(string file, Encoder encoder, Targets targets, Generator random, long height, long width) => TensorScope.Of(() =>
    {
        using var still = new NoGrad();
        using var mixture = GaussianMixture.Open(file);
        if ((Samples - 1) / PerClass >= mixture.Classes) throw new ArgumentException($"{Mixture} has {mixture.Classes} classes; {Samples} samples, {PerClass} a class, want {(Samples - 1) / PerClass + 1}");
        var small = mixture.Sample(random.Normal(Samples, 3 * mixture.Side * mixture.Side), [.. Enumerable.Range(0, Samples).Select(i => i / PerClass)]);
        return Best(small, encoder, targets, height, width).Image;
    });

    /// <summary>The nearest of small pictures [n, 3, s, s], enlarged (bilinear), its number, and the cosines of all.</summary>
    public (Tensor Image, int Index, Tensor Cosines) Best(Tensor small, Encoder encoder, Targets targets, long height, long width)
    {
        List<Tensor> cosines = [];
        foreach (var part in small.Split(Batch))
        {
            using var scope = new TensorScope();
            var large = part.Resize(height, width, Interpolation.Bilinear, antialias: true).To(encoder.Device);
            Tensor? sum = null;
            foreach (var ((member, weight), target) in encoder.Members.Zip(targets[Targets.Prompt]))
            {
                var own = (Normalizes ? member : member.WithoutNormalization()).Embed(large).Matmul(target.Direction) * weight;
                sum = sum is null ? own : sum + own;
            }

            cosines.Add(scope.Keep(sum!.To(Device.Cpu)));
        }

        var all = Tensor.Cat(cosines);
        var index = (int)all.Argmax(0).Item();
        return (small.Narrow(0, index, 1).Resize(height, width, Interpolation.Bilinear, antialias: true), index, all);
    }
}
