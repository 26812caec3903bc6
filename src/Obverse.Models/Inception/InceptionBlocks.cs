using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// The blocks of Inception-v3 as the network behind FID has them (mseitzer/pytorch-fid, inception.py; toshas/torch-fidelity, feature_extractor_inceptionv3.py): torchvision's, but average pools leave
/// the padding out of the mean, and the last block pools by the maximum. Each gives its function; convolutions are folded with their norms (eps 0.001), and the caller owns them.
/// </summary>
internal sealed class InceptionBlocks(Weights weights, ICollection<IDisposable> owned)
{
    private const double Epsilon = 0.001;

    private static readonly Init noInit = (_, shape) => Tensor.Zeros(shape);

    /// <summary>conv, bn, relu; its kernel and padding differ by rows and columns.</summary>
    public Func<Tensor, Tensor> Convolution(string name, int inputs, int outputs, int rows = 1, int columns = 0, int stride = 1, bool pads = true)
    {
        columns = columns == 0 ? rows : columns;
        var at = weights / name;
        var (kernel, bias) = Folded(at, inputs, outputs, rows, columns);
        owned.Add(kernel);
        owned.Add(bias);
        long[] by = [stride, stride], sides = pads ? [rows / 2, columns / 2] : [0, 0];
        return x => x.Conv2d(kernel, bias, by, sides).Relu();
    }

    public Func<Tensor, Tensor> A(int inputs, int pooled)
    {
        var one = Convolution("branch1x1", inputs, 64);
        var five = Chain(Convolution("branch5x5_1", inputs, 48), Convolution("branch5x5_2", 48, 64, 5));
        var three = Chain(Convolution("branch3x3dbl_1", inputs, 64), Convolution("branch3x3dbl_2", 64, 96, 3), Convolution("branch3x3dbl_3", 96, 96, 3));
        var pool = Chain(Average, Convolution("branch_pool", inputs, pooled));
        return x => Joined(x, one, five, three, pool);
    }

    public Func<Tensor, Tensor> B(int inputs)
    {
        var one = Convolution("branch3x3", inputs, 384, 3, stride: 2, pads: false);
        var three = Chain(Convolution("branch3x3dbl_1", inputs, 64), Convolution("branch3x3dbl_2", 64, 96, 3), Convolution("branch3x3dbl_3", 96, 96, 3, stride: 2, pads: false));
        return x => Joined(x, one, three, Halved);
    }

    public Func<Tensor, Tensor> C(int inputs, int width)
    {
        var one = Convolution("branch1x1", inputs, 192);
        var seven = Chain(Convolution("branch7x7_1", inputs, width), Convolution("branch7x7_2", width, width, 1, 7), Convolution("branch7x7_3", width, 192, 7, 1));
        var twice = Chain(
            Convolution("branch7x7dbl_1", inputs, width), Convolution("branch7x7dbl_2", width, width, 7, 1), Convolution("branch7x7dbl_3", width, width, 1, 7),
            Convolution("branch7x7dbl_4", width, width, 7, 1), Convolution("branch7x7dbl_5", width, 192, 1, 7));
        var pool = Chain(Average, Convolution("branch_pool", inputs, 192));
        return x => Joined(x, one, seven, twice, pool);
    }

    public Func<Tensor, Tensor> D(int inputs)
    {
        var three = Chain(Convolution("branch3x3_1", inputs, 192), Convolution("branch3x3_2", 192, 320, 3, stride: 2, pads: false));
        var seven = Chain(
            Convolution("branch7x7x3_1", inputs, 192), Convolution("branch7x7x3_2", 192, 192, 1, 7), Convolution("branch7x7x3_3", 192, 192, 7, 1),
            Convolution("branch7x7x3_4", 192, 192, 3, stride: 2, pads: false));
        return x => Joined(x, three, seven, Halved);
    }

    /// <param name="inputs">Channels.</param>
    /// <param name="poolsByMaximum">The last block of the network, an oddity of the 2015 weights.</param>
    public Func<Tensor, Tensor> E(int inputs, bool poolsByMaximum)
    {
        var one = Convolution("branch1x1", inputs, 320);
        var three = Convolution("branch3x3_1", inputs, 384);
        var (across, down) = (Convolution("branch3x3_2a", 384, 384, 1, 3), Convolution("branch3x3_2b", 384, 384, 3, 1));
        var twice = Chain(Convolution("branch3x3dbl_1", inputs, 448), Convolution("branch3x3dbl_2", 448, 384, 3));
        var (acrossTwice, downTwice) = (Convolution("branch3x3dbl_3a", 384, 384, 1, 3), Convolution("branch3x3dbl_3b", 384, 384, 3, 1));
        var pool = Chain(poolsByMaximum ? Maximum : Average, Convolution("branch_pool", inputs, 192));
        return x => Joined(x, one, y => Joined(three(y), across, down), y => Joined(twice(y), acrossTwice, downTwice), pool);
    }

    /// <summary>3x3, stride 2: the pool between the blocks.</summary>
    public static Tensor Halved(Tensor x) => x.MaxPool2d(3, 2);

    private static Tensor Average(Tensor x) => x.AvgPool2d([3, 3], [1, 1], [1, 1], countPadding: false);

    private static Tensor Maximum(Tensor x) => x.MaxPool2d(3, 1, 1);

    private static Func<Tensor, Tensor> Chain(params Func<Tensor, Tensor>[] steps) => x => steps.Aggregate(x, (y, step) => step(y));

    private static Tensor Joined(Tensor x, params Func<Tensor, Tensor>[] branches) => Tensor.Cat([.. branches.Select(branch => branch(x))], 1);

    private static (Tensor Kernel, Tensor Bias) Folded(Weights at, int inputs, int outputs, int rows, int columns)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        Tensor Norm(string name) => (at / "bn").Get(name, [outputs], noInit, precise: true);
        var scale = Norm("weight") / (Norm("running_var") + Epsilon).Sqrt();
        var kernel = (at / "conv").Get("weight", [outputs, inputs, rows, columns], noInit, precise: true) * scale.Reshape(outputs, 1, 1, 1);
        var bias = Norm("bias") - Norm("running_mean") * scale;
        return (kernel.OwnedCopy(), bias.OwnedCopy());
    }
}
