using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>
/// The mean of real pictures' embeddings, weighted by the similarity of their captions to the prompt (CLIP^-1; spec implicit-inversion.md 2.7).
/// An inversion toward it stays near embeddings that pictures have.
/// </summary>
/// <param name="Target">normalise(Σ w x), [d].</param>
/// <param name="Weights">softmax(s / tau), [k], the largest first.</param>
/// <param name="Rows">Which pairs, [k], int64.</param>
public sealed record Blend(Tensor Target, Tensor Weights, Tensor Rows)
{
    public const int Neighbours = 16;
    public const double Temperature = 0.01; // 1 / CLIP's logit scale

    /// <summary>
    /// Of the pairs whose <paramref name="keys"/> are nearest to <paramref name="query"/>. As published: the prompt's embedding among the captions'; the other way is the aligned prompt among the
    /// pictures' own. Rows of any length: directions count. The tensors belong to the scope open outside.
    /// </summary>
    public static Blend Of(Tensor query, Tensor keys, Tensor images, int k = Neighbours, double tau = Temperature)
    {
        if (keys.Size(0) != images.Size(0)) throw new ArgumentException($"Blend: {keys.Size(0)} keys and {images.Size(0)} images were given; one each is wanted");
        var (scores, rows) = Nearest.To(query.Normalized(epsilon: 0), keys.Normalized(epsilon: 0), k);
        return Of(scores, rows, images, tau);
    }

    /// <summary>Of pairs that a search found: their cosines, best first, and their rows.</summary>
    public static Blend Of(Tensor scores, Tensor rows, Tensor images, double tau)
    {
        if (tau <= 0) throw new ArgumentOutOfRangeException(nameof(tau), tau, "a temperature above 0 was wanted");
        var weights = (scores / tau).Softmax(0);
        return new((weights.Unsqueeze(1) * images.IndexSelect(0, rows).Normalized(epsilon: 0)).Sum(0).Normalized(epsilon: 0), weights, rows);
    }
}
