using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// A classifier already is a small CLIP (spec zoo.md 8.3). Its centred rows W - mean(W) = U S Vᵀ; a picture's embedding is S_k^½ V_kᵀ (f - mean f), and row c
/// of U_k S_k^½ is the text anchor of class c: their products are the centred class scores, as nearly as k dimensions can give them.
/// </summary>
public sealed class AnalyticProjection : IDisposable
{
    private AnalyticProjection(Tensor weight, Tensor bias, Tensor anchors) => (Weight, Bias, Anchors) = (weight, bias, anchors);

    /// <summary>[k, channels].</summary>
    public Tensor Weight { get; }

    /// <summary>[k]: -Weight · mean f, so that <c>pooled.Linear(Weight, Bias)</c> is the embedding.</summary>
    public Tensor Bias { get; }

    /// <summary>[classes, k].</summary>
    public Tensor Anchors { get; }

    /// <param name="classifier">[classes, channels].</param>
    /// <param name="meanFeature">[channels]: the mean of pooled features over any photographs.</param>
    /// <param name="k">Dimensions of the shared space, fewer than there are classes and channels.</param>
    public static AnalyticProjection From(Tensor classifier, Tensor meanFeature, int k)
    {
        if (k < 1 || k >= Math.Min(classifier.Size(0), classifier.Size(1))) throw new ArgumentOutOfRangeException(nameof(k), k, $"a classifier of {classifier.Size(0)} x {classifier.Size(1)} has fewer directions");
        using var still = new NoGrad();
        using var scope = new TensorScope();
        var (u, s, vh) = (classifier - classifier.Mean(0, keep: true)).Svd();
        var root = s[..k].Sqrt();
        var weight = vh[..k] * root.Unsqueeze(1);
        var bias = -weight.Matmul(meanFeature.Unsqueeze(1)).Squeeze(1);
        var anchors = u[.., ..k] * root;
        return new(scope.Keep(weight.Contiguous()), scope.Keep(bias), scope.Keep(anchors.Contiguous()));
    }

    public void Dispose()
    {
        Weight.Dispose();
        Bias.Dispose();
        Anchors.Dispose();
    }
}
