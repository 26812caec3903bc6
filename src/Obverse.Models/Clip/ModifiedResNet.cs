using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// CLIP's ResNet (openai/CLIP clip/model.py, ModifiedResNet): a stem of three convolutions, strides that are average pools, and attention in place of
/// the last pool. Weights by open_clip's names, which are OpenAI's.
/// </summary>
public sealed class ModifiedResNet : IImageTower
{
    /// <summary>Pixels to a cell of the last feature map.</summary>
    public const int Stride = 32;

    private const int Expansion = 4;
    private const double Epsilon = 1e-5; // of every batch norm

    private readonly NormedConvolution[] stem;
    private readonly Bottleneck[][] stages;
    private readonly AttentionPool pool;
    private readonly DType type; // of the convolutions

    /// <summary>Folded (<see cref="NormedConvolution"/>) it is faster and cannot be trained.</summary>
    public ModifiedResNet(Weights weights, VisionConfig config, bool fold = true)
    {
        var width = config.Width;
        type = fold ? weights.Type : DType.Float32;
        stem = [Convolution(weights, "conv1", "bn1", 3, width / 2, 3, fold, stride: 2), Convolution(weights, "conv2", "bn2", width / 2, width / 2, 3, fold), Convolution(weights, "conv3", "bn3", width / 2, width, 3, fold)];
        var inputs = width;
        stages = [.. config.Stages!.Value.AsArray().Select((blocks, s) =>
        {
            var inside = width << s;
            return Enumerable.Range(0, blocks).Select(i =>
            {
                var block = new Bottleneck(weights / $"layer{s + 1}" / i, inputs, inside, i == 0 && s > 0 ? 2 : 1, fold);
                inputs = inside * Expansion;
                return block;
            }).ToArray();
        })];
        pool = new(weights / "attnpool", inputs, config);
    }

    /// <summary>[n, 3, h, w] to [n, D]; sides are multiples of 32, and where they are not the checkpoint's own the pool's positions are interpolated.</summary>
    public Tensor Forward(Tensor pixels, Trace? trace = null)
    {
        if (pixels.Size(2) % Stride != 0 || pixels.Size(3) % Stride != 0 || pixels.Size(2) * pixels.Size(3) == 0) throw new ArgumentException($"vision tower: pictures of {pixels.Size(2)} x {pixels.Size(3)} given, multiples of {Stride} pixels are wanted");
        var x = pixels.To(type).ChannelsLast();
        foreach (var convolution in stem) x = convolution.Forward(x, padding: 1).Relu();
        x = x.AvgPool2d(2);
        trace?.Add("stem", x);
        for (var s = 0; s < stages.Length; s++)
        {
            for (var i = 0; i < stages[s].Length; i++)
            {
                x = stages[s][i].Forward(x);
                trace?.Add($"layer{s + 1}.{i}", x);
            }
        }

        return pool.Forward(x.To(DType.Float32));
    }

    public void Dispose()
    {
        foreach (var convolution in stem) convolution.Dispose();
        foreach (var block in stages.SelectMany(stage => stage)) block.Dispose();
    }

    // New ones as torch.nn.Conv2d draws them, U(±1/sqrt(fan in)).
    private static NormedConvolution Convolution(Weights weights, string convolution, string norm, int inputs, int outputs, int kernel, bool fold, int stride = 1, Init? gamma = null) =>
        new(weights, convolution, norm, inputs, outputs, kernel, Epsilon, Inits.Uniform(1 / Math.Sqrt(inputs * kernel * kernel)), fold, stride, gammaInit: gamma);

    /// <summary>Narrow (1x1), 3x3, widen (1x1) round a shortcut; a stride is an average pool after the second convolution, and before the shortcut's.</summary>
    private sealed class Bottleneck : IDisposable
    {
        private readonly NormedConvolution narrow, middle, widen;
        private readonly NormedConvolution? shortcut;
        private readonly int stride;

        public Bottleneck(Weights weights, int inputs, int inside, int stride, bool fold)
        {
            this.stride = stride;
            narrow = Convolution(weights, "conv1", "bn1", inputs, inside, 1, fold);
            middle = Convolution(weights, "conv2", "bn2", inside, inside, 3, fold);
            widen = Convolution(weights, "conv3", "bn3", inside, inside * Expansion, 1, fold, gamma: Inits.Zeros); // a new block is its shortcut (initialize_parameters)
            if (stride > 1 || inputs != inside * Expansion) shortcut = Convolution(weights / "downsample", "0", "1", inputs, inside * Expansion, 1, fold);
        }

        public Tensor Forward(Tensor x)
        {
            var y = Pooled(middle.Forward(narrow.Forward(x).Relu(), padding: 1).Relu());
            return (widen.Forward(y) + (shortcut?.Forward(Pooled(x)) ?? x)).Relu();
        }

        public void Dispose()
        {
            narrow.Dispose();
            middle.Dispose();
            widen.Dispose();
            shortcut?.Dispose();
        }

        private Tensor Pooled(Tensor x) => stride == 1 ? x : x.AvgPool2d(stride);
    }

    /// <summary>One attention over the cells and their mean, asked by the mean alone.</summary>
    private sealed class AttentionPool
    {
        private readonly int width, heads;
        private readonly Tensor positions;
        private readonly Linear query, key, value, output;

        public AttentionPool(Weights weights, int width, VisionConfig config)
        {
            (this.width, heads) = (width, config.Heads);
            positions = PositionGrid.Of(weights, config.ImageSize / Stride, width, Inits.Normal(1 / Math.Sqrt(width)));
            var init = Inits.Normal(1 / Math.Sqrt(width)); // initialize_parameters; biases 0
            query = new(weights / "q_proj", width, width, init: init, precise: true);
            key = new(weights / "k_proj", width, width, init: init, precise: true);
            value = new(weights / "v_proj", width, width, init: init, precise: true);
            output = new(weights / "c_proj", width, config.EmbedDim, init: init, precise: true);
        }

        public Tensor Forward(Tensor map)
        {
            var (n, depth) = (map.Size(0), width / heads);
            var cells = map.Flatten(2).Transpose(1, 2); // [n, cells, width]
            var x = Tensor.Cat([cells.Mean(1, keep: true), cells], 1) + PositionGrid.At(positions, map.Size(2), map.Size(3));
            Tensor Heads(Tensor t) => t.Reshape(n, -1, heads, depth).Transpose(1, 2); // [n, heads, tokens, depth]
            var scores = (Heads(query.Forward(x.Narrow(1, 0, 1))) * (1 / Math.Sqrt(depth))).Matmul(Heads(key.Forward(x)).Transpose(-2, -1));
            return output.Forward(scores.Softmax(-1).Matmul(Heads(value.Forward(x))).Transpose(1, 2).Reshape(n, width));
        }
    }
}
