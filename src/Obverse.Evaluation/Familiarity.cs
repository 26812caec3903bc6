using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>How near a prompt is to what a tower knows: the nearest names, with cosines.</summary>
public sealed record Familiarity(IReadOnlyList<(string Name, double Cosine)> Nearest)
{
    public double Cosine => Nearest[0].Cosine;

    /// <summary>A text against names whose embeddings are known ([names, d], of length 1).</summary>
    public static Familiarity Of(Encoder encoder, string text, IReadOnlyList<string> names, Tensor embeddings, int count = 5)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var cosines = encoder.Embed([text]).Matmul(embeddings.T()).ToFloats();
        return new([.. names.Select((name, i) => (name, (double)cosines[i])).OrderByDescending(pair => pair.Item2).DistinctBy(pair => pair.name).Take(count)]);
    }
}
