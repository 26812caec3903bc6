using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>
/// Captioned pictures as one CLIP sees them: embeddings of captions and of pictures, row by row. It aligns a prompt with pictures (<see cref="Align"/>), blends their embeddings (<see cref="Blend"/>),
/// and searches. Embeddings of another model are refused.
/// </summary>
public sealed partial class RetrievalIndex : IDisposable
{
    /// <summary>Pairs that <see cref="Align"/> takes: chosen here (spec implicit-inversion.md 2.5, sweep 16 to 256).</summary>
    public const int Neighbours = 64;

    private readonly Tensor texts, images; // [n, d], unit rows, on one device

    /// <summary>Takes copies; rows are put on the sphere.</summary>
    /// <param name="model">Which model made the embeddings: its name.</param>
    /// <param name="texts">[n, d], the captions'.</param>
    /// <param name="images">[n, d], the pictures'.</param>
    /// <param name="captions">[n]; none where nobody needs them.</param>
    public RetrievalIndex(string model, Tensor texts, Tensor images, IReadOnlyList<string>? captions = null)
    {
        if (texts.Dims != 2 || !texts.Shape.AsSpan().SequenceEqual(images.Shape)) throw new ArgumentException($"index: [{string.Join(", ", texts.Shape)}] texts and [{string.Join(", ", images.Shape)}] images were given; [n, d] of both is wanted");
        if (captions is not null && captions.Count != texts.Size(0)) throw new ArgumentException($"index: {captions.Count} captions and {texts.Size(0)} rows were given; one each is wanted");
        (Model, Captions) = (model, captions ?? []);
        (this.texts, this.images) = (Tensor.Owned(() => texts.Detach().Normalized()), Tensor.Owned(() => images.Detach().Normalized()));
    }

    public string Model { get; }
    public IReadOnlyList<string> Captions { get; }
    public long Count => texts.Size(0);
    public long Dimension => texts.Size(1);
    public Tensor Texts => texts;
    public Tensor Images => images;

    /// <summary>The prompt's embedding, aligned (Procrustes): under the rotation that best takes the <paramref name="k"/> captions nearest to it to their pictures; of fewer pairs, all.</summary>
    public Tensor Align(Tensor prompt, int k = Neighbours, bool raw = false) => TensorScope.Of(() =>
    {
        prompt = prompt.Reshape(-1);
        var (_, rows) = NearestTexts(prompt, (int)Math.Min(k, Count));
        return Procrustes.Align(prompt, texts.IndexSelect(0, rows), images.IndexSelect(0, rows), raw);
    });

    /// <summary>The weighted mean of the pictures whose captions are nearest to the prompt; the tensors belong to the scope open outside.</summary>
    public Blend Blend(Tensor prompt, int k = Obverse.Retrieval.Blend.Neighbours, double tau = Obverse.Retrieval.Blend.Temperature)
    {
        Fits(prompt);
        if (Graph(texts, "texts") is null) return Obverse.Retrieval.Blend.Of(prompt, texts, images, (int)Math.Min(k, Count), tau);
        var (scores, rows) = NearestTexts(prompt.Normalized(epsilon: 0), (int)Math.Min(k, Count));
        return Obverse.Retrieval.Blend.Of(scores, rows, images, tau);
    }

    /// <summary>Refuses an encoder whose embeddings mean something else: of other weights, where both sides know their SHA-256, else of another name; or of another width.</summary>
    public void MustBelongTo(Encoder encoder, string? sha256 = null)
    {
        if (sha256 is not null && ModelSha256 is not null) MustBelongTo(encoder.Name, sha256);
        else if (encoder.Name != Model) throw new ArgumentException($"the index was made with {Model} ({Dimension} numbers); this encoder is {encoder.Name} ({encoder.Dimension})");
        if (encoder.Dimension != Dimension) throw new ArgumentException($"the index was made with {Model} ({Dimension} numbers); this encoder is {encoder.Name} ({encoder.Dimension})");
    }

    /// <summary>Refuses an index of another model.</summary>
    public void MustMatch(RetrievalIndex other)
    {
        if (ModelSha256 is not null && other.ModelSha256 is { } sha) MustBelongTo(other.Model, sha);
        else if (Model != other.Model) throw new ArgumentException($"the index was made with {Model}; the other one with {other.Model}");
        if (Dimension != other.Dimension) throw new ArgumentException($"the index was made with {Model} ({Dimension} numbers); the other one with {other.Model} ({other.Dimension})");
    }

    public void Dispose()
    {
        foreach (var graph in graphs.Values) graph?.Dispose();
        texts.Dispose();
        images.Dispose();
    }

    private Tensor Fits(Tensor query) => query.Size(-1) == Dimension ? query : throw new ArgumentException($"a query of {query.Size(-1)} numbers was given; the index was made with {Model}, {Dimension} numbers");
}
