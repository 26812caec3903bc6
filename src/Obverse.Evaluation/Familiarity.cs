using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>How well a tower knows what a text means.</summary>
/// <param name="Nearest">The nearest names, with the cosine of what is left of both when <paramref name="ToNothing"/>'s direction is taken out.</param>
/// <param name="ToName">Cosine to the nearest name.</param>
/// <param name="ToNothing">Cosine to what words without meaning come out as.</param>
public sealed record Familiarity(IReadOnlyList<(string Name, double Cosine)> Nearest, double ToName, double ToNothing)
{
    /// <summary>
    /// Texts that a small tower cannot place do not lie between the names: they fall together in one direction, where nonsense lies too. "democracy" and "zzzz" are
    /// nearer to each other (0.9) than to any name, "a red sports car" is not.
    /// </summary>
    public bool IsFamiliar => ToName >= ToNothing;
}

/// <summary>What a pocket tower was taught to name, as embeddings: the 1,000 names of ImageNet.</summary>
public sealed class Knowledge : IDisposable
{
    private static readonly string[] nothing = ["", "zzzz", "qwerty", "asdfgh", "xyz", "1234", "the", "of", "it", "thing", "something", "nothing"];

    private readonly Encoder encoder;
    private readonly string[] names = [.. ImageNet.Classes.Select(c => c.ClipName).Distinct()];
    private readonly Tensor embeddings, meaningless, meanings; // [names, d], [1, d], [names, d]: rows of length 1

    public Knowledge(Encoder encoder)
    {
        this.encoder = encoder;
        (embeddings, meaningless, meanings) = TensorScope.Unscoped(() =>
        {
            using var scope = new TensorScope();
            using var still = new NoGrad();
            var named = ZeroShot.Classifier(encoder.Embed, names, ["{}"]);
            var mean = encoder.Embed(nothing).Mean(0, keep: true).Normalized();
            return (scope.Keep(named), scope.Keep(mean), scope.Keep(Without(named, mean)));
        });
    }

    public Familiarity Of(string text, int count = 5)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var embedding = encoder.Embed([text]);
        var cosines = Without(embedding, meaningless).Matmul(meanings.T()).ToFloats();
        return new([.. names.Select((name, i) => (name, (double)cosines[i])).OrderByDescending(pair => pair.Item2).Take(count)],
            embedding.Matmul(embeddings.T()).Max().Item(), embedding.Matmul(meaningless.T()).Item());
    }

    public void Dispose()
    {
        embeddings.Dispose();
        meaningless.Dispose();
        meanings.Dispose();
    }

    private static Tensor Without(Tensor rows, Tensor direction) => (rows - rows.Matmul(direction.T()) * direction).Normalized();
}
