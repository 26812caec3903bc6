using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>Whether a text is familiar to a text encoder (nearer to a known concept than to nonsense), and its nearest concepts.</summary>
/// <param name="Nearest">With the cosines after the direction of nonsense is projected out.</param>
public sealed record Familiarity(bool IsFamiliar, IReadOnlyList<(string Name, double Cosine)> Nearest);

/// <summary>
/// The concepts that a pocket encoder was trained on: the 1,000 classes of ImageNet, and the names of emoji. Unfamiliar texts do not lie between the
/// names; their embeddings collapse to one direction, where nonsense lies too: "democracy" is nearer to "zzzz" (cosine 0.8) than to any name (0.3), "a red sports car" is not (-0.1, 0.7).
/// </summary>
public sealed class KnownConcepts : IDisposable
{
    // An emoji name counts as known only for texts that nearly name it: the image encoder was pretrained on photographs, not emoji.
    private const double DrawnAtLeast = 0.7, NothingAtMost = 0.4;

    private static readonly string[] nonsense = ["", "zzzz", "qwerty", "asdfgh", "xyz", "1234", "the", "of", "it", "thing", "something", "nothing"];

    private readonly Encoder encoder;
    private readonly Tensor nothing; // [1, d]
    private readonly Names classes;
    private readonly Lazy<Names> drawn; // embedded only if no class is near

    public KnownConcepts(Encoder encoder)
    {
        this.encoder = encoder;
        nothing = Constant(() => encoder.Embed(nonsense).Mean(0, keep: true).Normalized());
        classes = new(encoder, [.. ImageNet.Classes.Select(c => c.ClipName).Distinct()]);
        drawn = new(() => new(encoder, DrawnNames()));
    }

    public Familiarity Of(string text, int count = 5)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var embedding = encoder.Embed([text]);
        var toNothing = embedding.Matmul(nothing.T()).Item();
        if (embedding.Matmul(classes.Embeddings.T()).Max().Item() >= toNothing) return new(true, Nearest(embedding, count, classes));
        // Some emoji names lie near nonsense themselves ("blue square"): being near them is no evidence.
        var near = embedding.Matmul(drawn.Value.Embeddings.T()).MaskedFill(drawn.Value.Embeddings.Matmul(nothing.T()).T() > NothingAtMost, -1).Max().Item();
        return new(near >= Math.Max(DrawnAtLeast, toNothing), Nearest(embedding, count, classes, drawn.Value));
    }

    public void Dispose()
    {
        nothing.Dispose();
        classes.Embeddings.Dispose();
        if (drawn.IsValueCreated) drawn.Value.Embeddings.Dispose();
    }

    private (string, double)[] Nearest(Tensor embedding, int count, params Names[] among) =>
        [.. among.SelectMany(names => names.Texts.Zip(Meaning(embedding).Matmul(Meaning(names.Embeddings).T()).ToFloats(), (name, cosine) => (name, (double)cosine))).OrderByDescending(pair => pair.Item2).DistinctBy(pair => pair.name).Take(count)];

    private Tensor Meaning(Tensor rows) => (rows - rows.Matmul(nothing.T()) * nothing).Normalized();

    private static string[] DrawnNames()
    {
        using var reader = new StreamReader(typeof(KnownConcepts).Assembly.GetManifestResourceStream("drawn-names.txt")!);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static Tensor Constant(Func<Tensor> make) => Tensor.Owned(() =>
    {
        using var still = new NoGrad();
        return make();
    });

    private sealed class Names(Encoder encoder, string[] texts)
    {
        public string[] Texts => texts;

        /// <summary>[texts, d], rows of length 1.</summary>
        public Tensor Embeddings { get; } = Constant(() => ZeroShot.Classifier(encoder.Embed, texts, ["{}"]));
    }
}
