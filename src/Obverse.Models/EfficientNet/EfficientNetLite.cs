using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// EfficientNet-Lite (Tan and Le 2019; the "lite" variants of github.com/tensorflow/tpu/tree/master/models/official/efficientnet): no squeeze-excite,
/// ReLU6 everywhere, TensorFlow's "SAME" padding. Weights by timm's names (timm/models/efficientnet.py, tf_efficientnet_lite0 … 4).
/// </summary>
public sealed class EfficientNetLite : IDisposable
{
    /// <summary>Channels of the last feature map; the head is never scaled.</summary>
    public const int Channels = 1280;

    private const double Epsilon = 1e-3; // of every batch norm: TensorFlow's, not PyTorch's 1e-5

    // timm, _gen_efficientnet_lite: kernel, stride, expansion, channels, repeats of the seven stages before scaling.
    private static readonly (int Kernel, int Stride, int Expansion, int Channels, int Repeats)[] stages =
        [(3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1)];

    private readonly Convolution stem, head;
    private readonly List<Block[]> blocks = [];
    private readonly Linear? classifier;
    private readonly DType type; // of the convolutions

    /// <summary>
    /// Reads the network from <paramref name="weights"/>. Folded, batch norms are multiplied into copies of the convolutions: the same function in
    /// a third fewer passes over memory, but the weights cannot be trained. Not folded, batch norms keep their statistics and everything else can learn.
    /// </summary>
    public EfficientNetLite(Weights weights, string name, bool fold = true)
    {
        (Name, IsFolded, type) = (name, fold, fold ? weights.Type : DType.Float32);
        var (width, depth) = Scaling(name);
        stem = new(weights, "conv_stem", "bn1", 3, 32, kernel: 3, stride: 2, depthwise: false, fold);
        var inputs = 32;
        for (var s = 0; s < stages.Length; s++)
        {
            var (kernel, stride, expansion, channels, repeats) = stages[s];
            var outputs = Rounded(channels * width);
            var row = new Block[s is 0 or 6 ? repeats : (int)Math.Ceiling(repeats * depth)];
            for (var j = 0; j < row.Length; j++)
            {
                row[j] = new Block(weights / "blocks" / s / j, inputs, outputs, expansion, kernel, j == 0 ? stride : 1, fold);
                inputs = outputs;
            }

            blocks.Add(row);
        }

        head = new(weights, "conv_head", "bn2", inputs, Channels, kernel: 1, stride: 1, depthwise: false, fold);
        if (weights.Find("classifier.weight") is { } rows) classifier = new(weights / "classifier", Channels, rows.Size(0), precise: true);
    }

    public string Name { get; }
    public bool IsFolded { get; }

    /// <summary>True for a name that this class can build.</summary>
    public static bool Knows(string name) => name.StartsWith("tf_efficientnet_lite", StringComparison.Ordinal) && name["tf_efficientnet_lite".Length..].Split('.')[0] is [>= '0' and <= '4'];

    /// <summary>Feature map of normalised pictures, (x - 0.5) / 0.5: [n, 3, h, w] to [n, 1280, h/32, w/32] (rounded up). Each stage is reported to <paramref name="trace"/> as "stage0" … "stage6".</summary>
    public Tensor Forward(Tensor pixels, Trace? trace = null)
    {
        // Channels last: 0.040 s instead of 0.054 s for forward and input gradient of 8 pictures of 128 px on two cores (lite0, folded; AMD EPYC, oneDNN 2.6).
        var x = stem.ForwardRelu6(pixels.To(type).ChannelsLast());
        for (var s = 0; s < blocks.Count; s++)
        {
            foreach (var block in blocks[s]) x = block.Forward(x);
            trace?.Add($"stage{s}", x);
        }

        return head.ForwardRelu6(x);
    }

    /// <summary>Mean of the feature map over the picture: [n, 1280].</summary>
    public Tensor Features(Tensor pixels, Trace? trace = null) => Forward(pixels, trace).To(DType.Float32).Mean([2, 3]);

    /// <summary>Class scores of <see cref="Features"/>, [n, 1000] before the softmax; only where the weights have a classifier.</summary>
    public Tensor Classify(Tensor features) => classifier?.Forward(features) ?? throw new InvalidOperationException($"{Name}: these weights have no classifier");

    public void Dispose()
    {
        stem.Dispose();
        head.Dispose();
        foreach (var block in blocks.SelectMany(row => row)) block.Dispose();
    }

    private static (double Width, double Depth) Scaling(string name) => !Knows(name) ? throw new NotSupportedException($"image tower '{name}' is not built yet; tf_efficientnet_lite0 … 4 are") : name["tf_efficientnet_lite".Length] switch
    {
        '0' => (1.0, 1.0),
        '1' => (1.0, 1.1),
        '2' => (1.1, 1.2),
        '3' => (1.2, 1.4),
        _ => (1.4, 1.8),
    };

    // To a multiple of eight, never more than a tenth below (timm, make_divisible).
    private static int Rounded(double channels)
    {
        var rounded = Math.Max(8, (int)(channels + 4) / 8 * 8);
        return rounded < 0.9 * channels ? rounded + 8 : rounded;
    }

    /// <summary>Widen (1x1), filter each channel (depthwise), narrow (1x1); stage 0 does not widen. A shortcut where the shape stays.</summary>
    private sealed class Block : IDisposable
    {
        private readonly Convolution? widen;
        private readonly Convolution depthwise, narrow;
        private readonly bool shortcut;

        public Block(Weights weights, int inputs, int outputs, int expansion, int kernel, int stride, bool fold)
        {
            var inside = inputs * expansion;
            shortcut = stride == 1 && inputs == outputs;
            if (expansion == 1)
            {
                depthwise = new(weights, "conv_dw", "bn1", inside, inside, kernel, stride, depthwise: true, fold);
                narrow = new(weights, "conv_pw", "bn2", inside, outputs, 1, 1, depthwise: false, fold);
            }
            else
            {
                widen = new(weights, "conv_pw", "bn1", inputs, inside, 1, 1, depthwise: false, fold);
                depthwise = new(weights, "conv_dw", "bn2", inside, inside, kernel, stride, depthwise: true, fold);
                narrow = new(weights, "conv_pwl", "bn3", inside, outputs, 1, 1, depthwise: false, fold);
            }
        }

        // ReLU6 and the sum write over what a convolution made: its gradient needs its inputs only.
        public Tensor Forward(Tensor x)
        {
            var inside = widen is null ? x : widen.ForwardRelu6(x);
            var y = narrow.Forward(depthwise.ForwardRelu6(inside));
            return shortcut ? y + x : y;
        }

        public void Dispose()
        {
            widen?.Dispose();
            depthwise.Dispose();
            narrow.Dispose();
        }
    }

    /// <summary>A convolution with its norm, padded as TensorFlow does.</summary>
    private sealed class Convolution : IDisposable
    {
        private readonly int kernel, stride;
        private readonly NormedConvolution inner;

        public Convolution(Weights weights, string convolution, string norm, int inputs, int outputs, int kernel, int stride, bool depthwise, bool fold)
        {
            (this.kernel, this.stride) = (kernel, stride);
            var groups = depthwise ? inputs : 1;
            // New weights as timm draws them (_init_weight_goog): N(0, 2 / fan out).
            inner = new(weights, convolution, norm, inputs, outputs, kernel, Epsilon, Inits.Normal(Math.Sqrt(2.0 * groups / (kernel * kernel * outputs))), fold, stride, groups, channelsLast: true);
        }

        public Tensor Forward(Tensor x)
        {
            var (padded, padding, later) = Padded(x);
            return inner.Forward(padded, padding, later);
        }

        public Tensor ForwardRelu6(Tensor x)
        {
            var (padded, padding, later) = Padded(x);
            return inner.ForwardRelu6(padded, padding, later);
        }

        // What the convolution is to pad by itself, without a copy: the same on all sides, or one less before than after; what else there is (odd sides beside even ones) is copied.
        private (Tensor X, int Padding, bool Later) Padded(Tensor x)
        {
            if (kernel == 1) return (x, 0, false);
            var (top, bottom) = Same(x.Size(2));
            var (left, right) = Same(x.Size(3));
            if (top == left && bottom == right && bottom - top is 0 or 1) return (x, bottom, bottom > top);
            return (x.Pad([left, right, top, bottom]), 0, false);
        }

        public void Dispose() => inner.Dispose();

        // TensorFlow's "SAME": ceil(side / stride) outputs; the odd pixel of padding goes after, not before.
        private (int Before, int After) Same(long side)
        {
            var total = (int)Math.Max(((side + stride - 1) / stride - 1) * stride + kernel - side, 0);
            return (total / 2, total - total / 2);
        }
    }
}
