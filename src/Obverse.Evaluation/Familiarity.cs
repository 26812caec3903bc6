using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>How near a text is to what a tower knows: the nearest names, with cosines.</summary>
public sealed record Familiarity(IReadOnlyList<(string Name, double Cosine)> Nearest)
{
    /// <summary>Below this cosine to its nearest name a text means nothing to the pocket towers.</summary>
    public const double Threshold = 0.5;

    public bool IsFamiliar => Nearest[0].Cosine >= Threshold;
}

/// <summary>What a pocket tower was taught to name, as embeddings: the 1,000 names of ImageNet.</summary>
public sealed class Knowledge : IDisposable
{
    private readonly Encoder encoder;
    private readonly string[] names = [.. ImageNet.Classes.Select(c => c.ClipName).Distinct()];
    private readonly Tensor embeddings; // [names, d], rows of length 1

    public Knowledge(Encoder encoder)
    {
        this.encoder = encoder;
        embeddings = TensorScope.Unscoped(() => ZeroShot.Classifier(encoder.Embed, names, ["{}"]));
    }

    public Familiarity Of(string text, int count = 5)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var cosines = encoder.Embed([text]).Matmul(embeddings.T()).ToFloats();
        return new([.. names.Select((name, i) => (name, (double)cosines[i])).OrderByDescending(pair => pair.Item2).Take(count)]);
    }

    public void Dispose() => embeddings.Dispose();
}
