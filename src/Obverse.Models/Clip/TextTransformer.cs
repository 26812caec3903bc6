using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// CLIP's text tower (openai/CLIP clip/model.py, encode_text): embeddings and positions, blocks with a causal mask and no padding mask,
/// ln_final, the row of the end token, text_projection. Weights by open_clip's names.
/// </summary>
public sealed class TextTransformer
{
    private readonly TextConfig config;
    private readonly Tensor tokens, positions;
    private readonly ResidualAttentionBlock[] blocks;
    private readonly LayerNorm lnFinal;
    private readonly Tensor? projection;

    public TextTransformer(Weights weights, TextConfig config)
    {
        this.config = config;
        var shape = config.Shape;
        tokens = (weights / "token_embedding").Get("weight", [config.VocabularySize, config.Width], Inits.Normal(0.02));
        positions = weights.Get("positional_embedding", [config.ContextLength, config.Width], Inits.Normal(0.01));
        blocks = [.. Enumerable.Range(0, config.Layers).Select(i => new ResidualAttentionBlock(weights / "transformer" / "resblocks" / i, shape, BlockInits.Scaled(config.Width, config.Layers)))];
        lnFinal = new(weights / "ln_final", config.Width, config.Epsilon);
        if (config.EmbedDim is { } dim) projection = weights.Get("text_projection", [config.Width, dim], Inits.Normal(1 / Math.Sqrt(config.Width)), precise: true);
    }

    public TextConfig Config => config;

    /// <summary>
    /// Embeddings of token rows: [n, context] int64 to [n, D], not normalised. What follows the end token cannot reach it (the mask is causal),
    /// so columns after the longest row's end are not computed.
    /// </summary>
    public Tensor Forward(Tensor ids, bool trim = true)
    {
        var ends = Ends(ids);
        if (trim)
        {
            using var longest = ends.Max();
            ids = ids.Narrow(1, 0, (long)longest.Item() + 1);
        }

        return Project(Pool(Hidden(ids), ends));
    }

    /// <summary>The last hidden state, after ln_final, of every token: [n, t] to [n, t, width]. Stable Diffusion reads this.</summary>
    public Tensor Hidden(Tensor ids, Trace? trace = null) => HiddenOf(Embed(ids), trace);

    /// <summary>Rows of the token table: [n, t] to [n, t, width], without positions.</summary>
    public Tensor Embed(Tensor ids) => ids.Embedding(tokens);

    /// <summary>The last hidden state of token embeddings that need not be rows of the table (learned or mixed ones): [n, t, width], t at most the context.</summary>
    public Tensor HiddenOf(Tensor embeddings, Trace? trace = null)
    {
        var length = embeddings.Size(1);
        if (length > config.ContextLength) throw new ArgumentException($"text tower: {length} tokens given, the context has {config.ContextLength}");
        var x = embeddings + positions.Narrow(0, 0, length);
        trace?.Add("embeddings", x);
        for (var i = 0; i < blocks.Length; i++)
        {
            x = blocks[i].Forward(x, causal: true, trace, i);
            trace?.Add($"block.{i}", x);
        }

        x = lnFinal.Forward(x.To(DType.Float32));
        trace?.Add("final_ln", x);
        return x;
    }

    /// <summary>Where each row ends: the first largest id, or the first <see cref="TextConfig.EndId"/> where the checkpoint names one. [n], int64.</summary>
    public Tensor Ends(Tensor ids) => config.EndId is { } end ? ids.EqualTo(end).To(DType.Int32).Argmax(1) : ids.Argmax(1);

    /// <summary>One row of each hidden state: [n, t, width], [n] to [n, width].</summary>
    public Tensor Pool(Tensor hidden, Tensor ends) => hidden.Gather(1, ends.Reshape(-1, 1, 1).Expand(-1, 1, config.Width)).Squeeze(1);

    /// <summary>[n, width] to the shared space, [n, D].</summary>
    public Tensor Project(Tensor pooled) => projection is null ? throw new InvalidOperationException("text tower: these weights have no text_projection") : pooled.Matmul(projection);
}
