using Obverse.Torch;

namespace Obverse.Models;

/// <summary>Hides rows of the context from a cross-attention (SD-IPC, Fig. 2), or looks at what is seen of them.</summary>
/// <param name="Keep">[n, rows] of 1 (seen) and 0 (hidden); null: all are seen.</param>
/// <param name="AfterSoftmax">Multiplies probabilities, which then no longer sum to one; else the scores of hidden rows are lowered before the softmax.</param>
public sealed record ContextMask(Tensor? Keep, bool AfterSoftmax = true)
{
    /// <summary>Called in every layer with the probabilities before they are multiplied, the mean of the heads [n, h w, rows], and with h and w.</summary>
    public Action<Tensor, long, long>? Sees { get; init; }
}

/// <summary>
/// Transformer2DModel of diffusers with one block: group norm (epsilon 1e-6), 1x1 convolution, then over the h·w places self-attention, cross-attention to the context and a
/// feed-forward layer with GEGLU, 1x1 convolution, beside a shortcut.
/// </summary>
internal sealed class SpatialTransformer
{
    private readonly GroupNorm norm;
    private readonly Conv2d projIn, projOut;
    private readonly LayerNorm norm1, norm2, norm3;
    private readonly CrossAttention attn1, attn2;
    private readonly Linear wide, narrow;

    public SpatialTransformer(Weights weights, long channels, long heads, long contextWidth, long groups)
    {
        norm = new(weights / "norm", groups, channels, 1e-6);
        projIn = new(weights / "proj_in", channels, channels, kernel: 1, padding: 0);
        var block = weights / "transformer_blocks" / 0;
        norm1 = new(block / "norm1", channels);
        attn1 = new(block / "attn1", channels, channels, heads);
        norm2 = new(block / "norm2", channels);
        attn2 = new(block / "attn2", channels, contextWidth, heads, learns: true);
        norm3 = new(block / "norm3", channels);
        wide = new(block / "ff" / "net" / 0 / "proj", channels, 8 * channels);
        narrow = new(block / "ff" / "net" / 2, 4 * channels, channels);
        projOut = new(weights / "proj_out", channels, channels, kernel: 1, padding: 0, init: Inits.Zeros);
    }

    /// <param name="x">[n, channels, h, w].</param>
    /// <param name="context">[n, rows, context width].</param>
    public Tensor Forward(Tensor x, Tensor context, ContextMask? mask = null, Trace? trace = null, string name = "", bool holdsStart = false)
    {
        using var scope = new TensorScope();
        Tensor Seen(string part, Tensor state)
        {
            trace?.Add($"{name}.{part}", scope.Keep(state));
            return state;
        }

        Tensor Sum(string part, Tensor fresh, Tensor places) => trace is null ? fresh.AddReusing(places) : Seen(part, fresh) + places;
        var (n, channels, height, width) = (x.Size(0), x.Size(1), x.Size(2), x.Size(3));
        var places = Seen("proj_in", projIn.Forward(Seen("norm", norm.Forward(x)))).Flatten(2).Transpose(1, 2).Contiguous(); // [n, h w, channels]
        var normed = Seen("transformer_blocks.0.norm1", norm1.Forward(places));
        places = Sum("transformer_blocks.0.attn1", attn1.Forward(normed, normed), places);
        places = Sum("transformer_blocks.0.attn2", attn2.Forward(norm2.Forward(places), context, mask, seen => mask?.Sees?.Invoke(seen, height, width), holdsStart), places);
        var halves = wide.Forward(norm3.Forward(places)).Chunk(2, -1); // value, gate
        places = Sum("transformer_blocks.0.ff", narrow.Forward(halves[1].Gelu().MulReusing(halves[0])), places);
        return scope.Keep(projOut.Forward(places.Transpose(1, 2).Reshape(n, channels, height, width)).AddReusing(x));
    }
}

/// <summary>Queries of one sequence, keys and values of another; no biases but the last.</summary>
internal sealed class CrossAttention(Weights weights, long channels, long contextWidth, long heads, bool learns = false)
{
    // Keys and values are what fine-tuning moves: float32 whatever the network computes in, or a small step would round to none.
    private readonly Linear
        q = new(weights / "to_q", channels, channels, bias: false), k = new(weights / "to_k", contextWidth, channels, bias: false, precise: learns), v = new(weights / "to_v", contextWidth, channels, bias: false, precise: learns),
        output = new(weights / "to_out" / 0, channels, channels);

    /// <param name="x">[n, places, channels].</param>
    /// <param name="context">[n, rows, context width].</param>
    /// <param name="mask">What is hidden.</param>
    /// <param name="seen">Called with the mean of the heads' probabilities, where the mask asks for them.</param>
    /// <param name="holdsStart">No gradient passes the context's first row.</param>
    public Tensor Forward(Tensor x, Tensor context, ContextMask? mask = null, Action<Tensor>? seen = null, bool holdsStart = false)
    {
        using var scope = new TensorScope();
        var depth = channels / heads;
        Tensor Heads(Tensor rows) => rows.Reshape(rows.Size(0), rows.Size(1), heads, depth).Transpose(1, 2); // [n, heads, rows, depth]
        Tensor Projected(Linear by)
        {
            var rows = context.Linear(by.Weight.DType == context.DType ? by.Weight : by.Weight.To(context.DType));
            // CustomDiffusionAttnProcessor of diffusers: no gradient through the start token's row.
            return holdsStart && NoGrad.IsRecording ? Tensor.Cat([rows.Narrow(1, 0, 1).Detach(), rows.Narrow(1, 1, rows.Size(1) - 1)], 1) : rows;
        }

        var (queries, keys, values) = (Heads(q.Forward(x)), Heads(Projected(k)), Heads(Projected(v)));
        if (mask?.Sees is not null) seen?.Invoke(Probabilities(queries, keys, mask).Mean(1));
        var mixed = mask?.Keep is null ? Tensor.Attention(queries, keys, values) : Masked(queries, keys, values, mask);
        return scope.Keep(output.Forward(mixed.Transpose(1, 2).Reshape(x.Size(0), x.Size(1), channels)));
    }

    private static Tensor Masked(Tensor q, Tensor k, Tensor v, ContextMask mask)
    {
        var keep = Keep(mask, q);
        return mask.AfterSoftmax ? (Probabilities(q, k, mask) * keep).Matmul(v) : Tensor.Attention(q, k, v, mask: Lowered(keep));
    }

    private static Tensor Probabilities(Tensor q, Tensor k, ContextMask mask)
    {
        var scores = (q * (1 / Math.Sqrt(q.Size(3)))).Matmul(k.Transpose(-2, -1));
        return (mask is { Keep: not null, AfterSoftmax: false } ? scores + Lowered(Keep(mask, q)) : scores).Softmax(-1);
    }

    private static Tensor Keep(ContextMask mask, Tensor like) => mask.Keep!.To(like.DType).Unsqueeze(1).Unsqueeze(1); // [n, 1, 1, rows]

    private static Tensor Lowered(Tensor keep) => (1 - keep) * -10000.0; // diffusers' encoder_attention_mask
}
