using Obverse.Torch;

namespace Obverse.Models;

/// <summary>QuickGelu is x·σ(1.702x), OpenAI's; Gelu is the exact x·Φ(x). Which one belongs to a checkpoint, not to an architecture (spec clip.md 1.4).</summary>
public enum Activation { QuickGelu, Gelu }

/// <summary>The shape of a transformer, of either tower.</summary>
public sealed record TransformerShape(int Width, int Layers, int Heads, int MlpWidth, Activation Activation, double Epsilon = 1e-5);

/// <summary>
/// Pre-norm transformer block (openai/CLIP clip/model.py): x += attention(ln_1(x)); x += mlp(ln_2(x)). Both towers are stacks of it;
/// in the text tower a token attends to itself and those before it.
/// </summary>
public sealed class ResidualAttentionBlock
{
    private readonly TransformerShape shape;
    private readonly LayerNorm ln1, ln2;
    private readonly Tensor inWeight, inBias, outWeight, outBias, wideWeight, wideBias, narrowWeight, narrowBias;

    public ResidualAttentionBlock(Weights weights, TransformerShape shape, BlockInits? inits = null)
    {
        this.shape = shape;
        var (w, m) = (shape.Width, shape.MlpWidth);
        inits ??= BlockInits.PyTorch(w, m);
        ln1 = new(weights / "ln_1", w, shape.Epsilon);
        inWeight = (weights / "attn").Get("in_proj_weight", [3 * w, w], inits.Attention); // rows: q, k, v
        inBias = (weights / "attn").Get("in_proj_bias", [3 * w], Inits.Zeros);
        outWeight = (weights / "attn" / "out_proj").Get("weight", [w, w], inits.Output);
        outBias = (weights / "attn" / "out_proj").Get("bias", [w], Inits.Zeros);
        ln2 = new(weights / "ln_2", w, shape.Epsilon);
        wideWeight = (weights / "mlp" / "c_fc").Get("weight", [m, w], inits.Wide);
        wideBias = (weights / "mlp" / "c_fc").Get("bias", [m], Inits.Uniform(1 / Math.Sqrt(w)));
        narrowWeight = (weights / "mlp" / "c_proj").Get("weight", [w, m], inits.Narrow);
        narrowBias = (weights / "mlp" / "c_proj").Get("bias", [w], Inits.Uniform(1 / Math.Sqrt(m)));
    }

    /// <summary>
    /// [n, tokens, width] to the same; in a <paramref name="causal"/> one every token attends to itself and those before it. What lies between is let go of here, not at the step's end: with frozen weights
    /// autograd needs little of it (bench/results).
    /// </summary>
    public Tensor Forward(Tensor x, bool causal = false, Trace? trace = null, int index = 0)
    {
        using var scope = new TensorScope();
        var normed = ln1.Forward(x);
        trace?.Add($"ln_1.{index}", scope.Keep(normed));
        x = x + Attend(normed, causal, trace, index, scope);
        return scope.Keep(x + Widened(x));
    }

    /// <summary>
    /// The first token's row of <see cref="Forward"/>, [n, 1, width]: all that a tower reads of its last block. The others are only attended to, which leaves a sixth of the block's products
    /// (7 % less of ViT-B's: docs/speed.md).
    /// </summary>
    public Tensor First(Tensor x)
    {
        using var scope = new TensorScope();
        var (n, tokens, w, depth) = (x.Size(0), x.Size(1), shape.Width, shape.Width / shape.Heads);
        var normed = ln1.Forward(x);
        var query = normed.Narrow(1, 0, 1).Linear(inWeight.Narrow(0, 0, w), inBias.Narrow(0, 0, w)).Reshape(n, 1, shape.Heads, depth).Transpose(1, 2);
        var parts = normed.Linear(inWeight.Narrow(0, w, 2 * w), inBias.Narrow(0, w, 2 * w)).Reshape(n, tokens, 2, shape.Heads, depth).Permute(2, 0, 3, 1, 4).Unbind();
        x = x.Narrow(1, 0, 1) + Tensor.Attention(query, parts[0], parts[1]).Transpose(1, 2).Reshape(n, 1, w).Linear(outWeight, outBias);
        return scope.Keep(x + Widened(x));
    }

    private Tensor Widened(Tensor x) => Activated(ln2.Forward(x).Linear(wideWeight, wideBias)).Linear(narrowWeight, narrowBias); // [n, tokens, mlp] between

    private Tensor Attend(Tensor x, bool causal, Trace? trace, int index, TensorScope scope)
    {
        var (n, tokens, depth) = (x.Size(0), x.Size(1), shape.Width / shape.Heads);
        var parts = x.Linear(inWeight, inBias).Reshape(n, tokens, 3, shape.Heads, depth).Permute(2, 0, 3, 1, 4).Unbind(); // three of [n, heads, tokens, depth]
        if (trace is not null)
        {
            // The attention that is reported is the one that is used, so that its gradient can be asked for.
            var scores = (parts[0] * (1 / Math.Sqrt(depth))).Matmul(parts[1].Transpose(-2, -1));
            if (causal) scores = scores + Tensor.Full([tokens, tokens], double.NegativeInfinity, device: x.Device).Triu(1);
            var attention = scores.Softmax(-1); // [n, heads, tokens, tokens], rows = queries
            trace.Add($"attention.{index}", scope.Keep(attention));
            return attention.Matmul(parts[2]).Transpose(1, 2).Reshape(n, tokens, shape.Width).Linear(outWeight, outBias);
        }

        return Tensor.Attention(parts[0], parts[1], parts[2], causal: causal).Transpose(1, 2).Reshape(n, tokens, shape.Width).Linear(outWeight, outBias);
    }

    private Tensor Activated(Tensor x) => shape.Activation == Activation.Gelu ? x.Gelu() : x.QuickGelu();
}

/// <summary>How the matrices of a new block are drawn.</summary>
public sealed record BlockInits(Init Attention, Init Output, Init Wide, Init Narrow)
{
    /// <summary>CLIP's text tower (openai/CLIP clip/model.py, initialize_parameters).</summary>
    public static BlockInits Scaled(int width, int layers) => new(
        Inits.Normal(1 / Math.Sqrt(width)),
        Inits.Normal(1 / Math.Sqrt(width * 2.0 * layers)),
        Inits.Normal(1 / Math.Sqrt(2.0 * width)),
        Inits.Normal(1 / Math.Sqrt(width * 2.0 * layers)));

    /// <summary>CLIP's vision tower, which leaves the defaults of torch.nn.MultiheadAttention (Xavier over [3w, w]) and torch.nn.Linear.</summary>
    public static BlockInits PyTorch(int width, int mlpWidth) => new(
        Inits.Uniform(Math.Sqrt(6.0 / (4 * width))),
        Inits.Uniform(1 / Math.Sqrt(width)),
        Inits.Uniform(1 / Math.Sqrt(width)),
        Inits.Uniform(1 / Math.Sqrt(mlpWidth)));
}
