using Obverse.Torch;

namespace Obverse.Models;

/// <summary>norm1, swish, conv1, norm2, swish, conv2, beside a shortcut (1x1 where the channels change): taming's ResnetBlock without time embedding.</summary>
internal sealed class VqganBlock(Weights weights, int inputs, int outputs, int groups)
{
    private readonly GroupNorm norm1 = new(weights / "norm1", groups, inputs, Vqgan.Epsilon), norm2 = new(weights / "norm2", groups, outputs, Vqgan.Epsilon);
    private readonly Conv2d conv1 = new(weights / "conv1", inputs, outputs), conv2 = new(weights / "conv2", outputs, outputs);
    private readonly Conv2d? shortcut = inputs == outputs ? null : new(weights / "nin_shortcut", inputs, outputs, kernel: 1, padding: 0);

    public Tensor Forward(Tensor x) => TensorScope.Of(() => (shortcut?.Forward(x) ?? x) + conv2.Forward(norm2.Forward(conv1.Forward(norm1.Forward(x).Silu())).Silu()));
}

/// <summary>One head over all places: norm, 1x1 q, k, v, softmax(qᵀk / sqrt(c)), 1x1, added (taming's AttnBlock).</summary>
internal sealed class VqganAttention(Weights weights, int width, int groups)
{
    private readonly GroupNorm norm = new(weights / "norm", groups, width, Vqgan.Epsilon);
    private readonly Conv2d q = One(weights / "q", width), k = One(weights / "k", width), v = One(weights / "v", width), output = One(weights / "proj_out", width);

    public Tensor Forward(Tensor x) => TensorScope.Of(() =>
    {
        var inside = norm.Forward(x);
        var (n, c, h, w) = (x.Size(0), x.Size(1), x.Size(2), x.Size(3));
        Tensor Rows(Conv2d of) => of.Forward(inside).Reshape(n, 1, c, h * w).Transpose(2, 3); // [n, 1, places, channels]
        return x + output.Forward(Tensor.Attention(Rows(q), Rows(k), Rows(v)).Transpose(2, 3).Reshape(n, c, h, w));
    });

    private static Conv2d One(Weights weights, int width) => new(weights, width, width, kernel: 1, padding: 0);
}

/// <summary>block_1, attn_1, block_2: what lies between the levels and the latent, in both directions.</summary>
internal sealed class VqganMiddle(Weights weights, int width, int groups)
{
    private readonly VqganBlock first = new(weights / "block_1", width, width, groups), second = new(weights / "block_2", width, width, groups);
    private readonly VqganAttention attention = new(weights / "attn_1", width, groups);

    public Tensor Forward(Tensor x, Trace? trace, string name)
    {
        x = first.Forward(x);
        trace?.Add($"{name}.mid.block_1", x);
        x = attention.Forward(x);
        trace?.Add($"{name}.mid.attn_1", x);
        x = second.Forward(x);
        trace?.Add($"{name}.mid.block_2", x);
        return x;
    }
}

/// <summary>The blocks of a level, each with its attention where the level has one.</summary>
internal sealed class VqganLevel
{
    private readonly VqganBlock[] blocks;
    private readonly VqganAttention[] attentions;

    public VqganLevel(Weights weights, int inputs, int width, int count, bool attends, int groups)
    {
        blocks = [.. Enumerable.Range(0, count).Select(j => new VqganBlock(weights / "block" / j, j == 0 ? inputs : width, width, groups))];
        attentions = attends ? [.. Enumerable.Range(0, count).Select(j => new VqganAttention(weights / "attn" / j, width, groups))] : [];
    }

    public Tensor Forward(Tensor x, Trace? trace, string name)
    {
        for (var j = 0; j < blocks.Length; j++)
        {
            x = blocks[j].Forward(x);
            trace?.Add($"{name}.block.{j}", x);
            if (attentions.Length == 0) continue;
            x = attentions[j].Forward(x);
            trace?.Add($"{name}.attn.{j}", x);
        }

        return x;
    }
}
