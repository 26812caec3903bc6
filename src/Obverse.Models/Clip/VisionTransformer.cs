using Obverse.Torch;

namespace Obverse.Models;

/// <summary>An image tower: normalised pictures [n, 3, h, w] to [n, D], not normalised.</summary>
public interface IImageTower : IDisposable
{
    Tensor Forward(Tensor pixels, Trace? trace = null);
}

/// <summary>
/// CLIP's vision transformer (openai/CLIP clip/model.py, VisionTransformer): patches, class token, positions, ln_pre, blocks, ln_post of the
/// class token, proj. Weights by open_clip's names.
/// </summary>
public sealed class VisionTransformer : IImageTower
{
    private readonly VisionConfig config;
    private readonly Tensor patches, classToken, positions, projection;
    private readonly LayerNorm lnPre, lnPost;
    private readonly ResidualAttentionBlock[] blocks;

    public VisionTransformer(Weights weights, VisionConfig config)
    {
        this.config = config;
        var (w, p, grid) = (config.Width, config.PatchSize, config.ImageSize / config.PatchSize);
        var (scale, shape) = (1 / Math.Sqrt(w), config.Shape);
        classToken = weights.Get("class_embedding", [w], Inits.Normal(scale));
        positions = PositionGrid.Of(weights, grid, w, Inits.Normal(scale));
        projection = weights.Get("proj", [w, config.EmbedDim], Inits.Normal(scale), precise: true);
        patches = (weights / "conv1").Get("weight", [w, 3, p, p], Inits.Uniform(1 / Math.Sqrt(3.0 * p * p))); // torch.nn.Conv2d's own
        lnPre = new(weights / "ln_pre", w, config.Epsilon);
        blocks = [.. Enumerable.Range(0, config.Layers).Select(i => new ResidualAttentionBlock(weights / "transformer" / "resblocks" / i, shape))];
        lnPost = new(weights / "ln_post", w, config.Epsilon);
    }

    /// <summary>[n, 3, h, w] to [n, D]; sides are multiples of the patch, and where they are not the checkpoint's own its positions are interpolated.</summary>
    public Tensor Forward(Tensor pixels, Trace? trace = null) => Forward(pixels, null, null, trace);

    /// <summary>The same with learned rows among the patches of every block.</summary>
    /// <param name="pixels">[n, 3, h, w], normalised.</param>
    /// <param name="prompts">Null: none.</param>
    /// <param name="dropout">Random numbers of their dropout; null: none is dropped.</param>
    /// <param name="trace">As above.</param>
    public Tensor Forward(Tensor pixels, DeepPrompts? prompts, Generator? dropout, Trace? trace = null)
    {
        var (n, p) = (pixels.Size(0), config.PatchSize);
        var (rows, columns) = (pixels.Size(2) / p, pixels.Size(3) / p);
        if (rows * p != pixels.Size(2) || columns * p != pixels.Size(3) || rows * columns == 0) throw new ArgumentException($"vision tower: pictures of {pixels.Size(2)} x {pixels.Size(3)} given, multiples of the patch's {p} pixels are wanted");
        var x = PatchEmbedding.Of(pixels.To(patches.DType), patches);
        x = Tensor.Cat([classToken.Reshape(1, 1, -1).Expand(n, 1, config.Width), x], 1) + PositionGrid.At(positions, rows, columns).To(x.DType);
        trace?.Add("embeddings", x);
        x = lnPre.Forward(x);
        trace?.Add("pre_ln", x);
        for (var i = 0; i < blocks.Length; i++)
        {
            if (prompts is not null) x = prompts.Among(x, i, dropout);
            x = trace is null && i == blocks.Length - 1 ? blocks[i].First(x) : blocks[i].Forward(x, causal: false, trace, i);
            trace?.Add($"block.{i}", x);
        }

        x = x.Select(1, 0).To(DType.Float32);
        x = lnPost.Forward(prompts is null ? x : prompts.Normed(x)); // the last steps to an embedding are few and decide it
        trace?.Add("post_ln", x);
        return x.Matmul(projection);
    }

    public void Dispose() { } // the weights own everything
}
