using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>
/// What of a picture a CLIP looks at for a text, and what it would change (spec clipag.md 4.1, 4.9). The score is the cosine between the picture's embedding and the text's.
/// A vision transformer has attention; a convolutional tower has Grad-CAM only.
/// </summary>
/// <param name="tower">Stays the caller's.</param>
/// <param name="config">Its shape.</param>
/// <param name="normalize">Pictures in 0 … 1 to what the tower takes.</param>
/// <param name="text">[D], of any length.</param>
public sealed class Saliency(IImageTower tower, VisionConfig config, Func<Tensor, Tensor> normalize, Tensor text)
{
    private const double Tiny = 1e-10;

    public Saliency(ClipModel model, Tensor text) : this(model.Image, model.Config.Vision, model.Normalize, text)
    {
    }

    public bool HasAttention => tower is VisionTransformer;
    public bool HasGradCam => tower is VisionTransformer or TimmVision;

    /// <summary>The cosine and its gradient with respect to the picture, [1, 3, h, w] in 0 … 1.</summary>
    public (double Score, Tensor Gradient) InputGradient(Tensor image)
    {
        var leaf = Leaf(image);
        var score = Cosine(tower.Forward(normalize(leaf)));
        return (score.Item(), Tensor.Gradients(score, [leaf])[0]!);
    }

    /// <summary>
    /// Grad-CAM (Selvaraju et al. 2017): of a vision transformer the output of ln_1 of the last block without the class token, of a convolutional tower its last feature map (its score is the product of embedding and text).
    /// Channels are weighted by the mean of their gradients, and what is left after relu is the map.
    /// </summary>
    /// <returns>The map on the grid, [1, 1, rows, columns]; and enlarged to the picture, (x - min) / (max - min + 1e-7).</returns>
    public (Tensor Map, Tensor Shown) GradCam(Tensor image)
    {
        var trace = new Trace();
        Tensor activations, score;
        if (tower is TimmVision timm)
        {
            activations = Leaf(timm.Trunk.Forward(normalize(image)).To(DType.Float32)); // [1, channels, rows, columns]
            // Not the cosine: its gradient is at right angles to the embedding, so the map over a mean-pooled tower would add up to a constant, and what is not the thing would light up.
            score = (timm.Project(activations.Mean([2, 3])).To(DType.Float32) * text.Reshape(1, -1).Normalized()).Sum();
        }
        else if (HasAttention)
        {
            score = Cosine(tower.Forward(normalize(Leaf(image)), trace));
            activations = trace[$"ln_1.{config.Layers - 1}"]; // [1, tokens, width]
        }
        else
        {
            throw new NotSupportedException("Grad-CAM: a vision transformer or an EfficientNet-Lite was wanted");
        }

        var gradient = Tensor.Gradients(score, [activations])[0]!;
        if (HasAttention) (activations, gradient) = (OnGrid(activations, image), OnGrid(gradient, image));
        var map = (activations * gradient.Mean([2, 3], keep: true)).Sum(1, keep: true).Relu().Detach();
        return (map, Enlarged(map, image));
    }

    /// <summary>
    /// Attention rollout (Abnar and Zuidema 2020): per block half the mean attention of the heads and half the identity, rows divided by their sums, multiplied from the last block to the
    /// first. [tokens, tokens]; its first row without the first column is the map (<see cref="OfClassToken"/>).
    /// </summary>
    public Tensor Rollout(Tensor image)
    {
        using var still = new NoGrad();
        var trace = new Trace();
        tower.Forward(normalize(image), trace);
        Tensor? product = null;
        foreach (var attention in Attentions(trace))
        {
            var mean = attention[0].Mean(0); // [tokens, tokens]
            var mixed = mean * 0.5 + Tensor.Eye(mean.Size(0)) * 0.5;
            mixed = mixed / mixed.Sum(-1, keep: true);
            product = product is null ? mixed : mixed.Matmul(product);
        }

        return product!;
    }

    /// <summary>Gradient-weighted relevance (Chefer et al. 2021): R = I, and per block R += mean over heads of relu(attention · d score / d attention) R. [tokens, tokens].</summary>
    public Tensor Relevance(Tensor image)
    {
        var trace = new Trace();
        var score = Cosine(tower.Forward(normalize(Leaf(image)), trace));
        var attentions = Attentions(trace);
        var gradients = Tensor.Gradients(score, attentions);
        using var still = new NoGrad();
        var relevance = Tensor.Eye(attentions[0].Size(-1));
        for (var i = 0; i < attentions.Count; i++) relevance = relevance + (attentions[i] * gradients[i]!).Relu()[0].Mean(0).Matmul(relevance);
        return relevance;
    }

    /// <summary>A matrix of tokens as seen from the class token, on the grid of patches: [rows, columns].</summary>
    public Tensor OfClassToken(Tensor tokens, Tensor image)
    {
        var (rows, columns) = Grid(image);
        return tokens[0][1..].Reshape(rows, columns);
    }

    /// <summary>Steps of length <paramref name="size"/> (L2, in the picture's values) up the score, values held to 0 … 1: x ← clamp(x + size · g / ‖g‖). The score is that before the step.</summary>
    public IEnumerable<(Tensor Image, double Score)> Ascent(Tensor image, int steps = 20, double size = 0.5)
    {
        var x = image.Detach();
        for (var step = 0; step < steps; step++)
        {
            var (score, gradient) = InputGradient(x);
            using (new NoGrad()) x = (x + gradient * (size / (gradient.Square().Sum().Sqrt() + Tiny))).Clamp(0, 1);
            yield return (x, score);
        }
    }

    /// <summary>The share of a gradient's energy, [1, 3, h, w], in the lowest eighth of the frequencies of each side (orthonormal DCT-II): white noise has 1/64, a smooth picture nearly all.</summary>
    public static double LowFrequencyShare(Tensor gradient)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        var (h, w) = (gradient.Size(2), gradient.Size(3));
        var spectrum = Dct(h).Matmul(gradient.To(DType.Float32)).Matmul(Dct(w).T()).Square();
        return (spectrum.Narrow(2, 0, Math.Max(1, h / 8)).Narrow(3, 0, Math.Max(1, w / 8)).Sum() / (spectrum.Sum() + Tiny * Tiny)).Item();
    }

    /// <summary>A map enlarged to the picture (bilinear) and stretched to 0 … 1.</summary>
    public static Tensor Enlarged(Tensor map, Tensor image)
    {
        using var still = new NoGrad();
        var large = map.Resize(image.Size(2), image.Size(3));
        var (least, most) = (large.Min(), large.Max());
        return (large - least) / (most - least + 1e-7);
    }

    private static Tensor Leaf(Tensor tensor)
    {
        var leaf = tensor.Detach().Clone();
        leaf.RequiresGrad = true;
        return leaf;
    }

    private Tensor Cosine(Tensor embedding) => (embedding.To(DType.Float32).Normalized() * text.Reshape(1, -1).Normalized()).Sum();

    private (long Rows, long Columns) Grid(Tensor image) => (image.Size(2) / config.PatchSize, image.Size(3) / config.PatchSize);

    // [1, tokens, width] without the class token to [1, width, rows, columns].
    private Tensor OnGrid(Tensor tokens, Tensor image)
    {
        var (rows, columns) = Grid(image);
        return tokens.Narrow(1, 1, rows * columns).Transpose(1, 2).Reshape(1, -1, rows, columns);
    }

    private IReadOnlyList<Tensor> Attentions(Trace trace) => HasAttention ? [.. Enumerable.Range(0, config.Layers).Select(i => trace[$"attention.{i}"])] : throw new NotSupportedException("attention: a vision transformer was wanted; this image encoder has none");

    private static Tensor Dct(long n)
    {
        var matrix = new float[n * n];
        for (var k = 0; k < n; k++)
            for (var i = 0; i < n; i++) matrix[k * n + i] = (float)(Math.Sqrt((k == 0 ? 1.0 : 2.0) / n) * Math.Cos(Math.PI * (2 * i + 1) * k / (2.0 * n)));
        return Tensor.From(matrix, n, n);
    }
}
