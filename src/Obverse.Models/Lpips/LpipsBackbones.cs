using Obverse.Torch;

namespace Obverse.Models;

/// <summary>Which network LPIPS looks through.</summary>
public enum LpipsNetwork { Alex, Vgg, Squeeze }

/// <summary>The convolutions of AlexNet, VGG-16 and SqueezeNet 1.1 up to their last tap, by torchvision's names (features.N): maps after the ReLUs that LPIPS reads (richzhang/PerceptualSimilarity, lpips/pretrained_networks.py).</summary>
internal static class LpipsBackbones
{
    private static readonly Init noInit = (_, shape) => Tensor.Zeros(shape);

    /// <summary>Channels of every tap.</summary>
    public static int[] Channels(LpipsNetwork network) => network switch
    {
        LpipsNetwork.Alex => [64, 192, 384, 256, 256],
        LpipsNetwork.Vgg => [64, 128, 256, 512, 512],
        _ => [64, 128, 256, 384, 384, 512, 512],
    };

    /// <summary>Scaled pictures [n, 3, h, w] to a map per tap.</summary>
    public static Func<Tensor, Tensor[]> Of(Weights weights, LpipsNetwork network)
    {
        var features = weights / "features";
        Func<Tensor, Tensor> Convolution(int index, int inputs, int outputs, int kernel, int stride = 1, int padding = 0) => Conv(features / index, inputs, outputs, kernel, stride, padding);
        Func<Tensor, Tensor>[] slices = network switch
        {
            LpipsNetwork.Alex =>
            [
                Convolution(0, 3, 64, 11, 4, 2), Chain(Pool, Convolution(3, 64, 192, 5, 1, 2)), Chain(Pool, Convolution(6, 192, 384, 3, 1, 1)), Convolution(8, 384, 256, 3, 1, 1), Convolution(10, 256, 256, 3, 1, 1),
            ],
            LpipsNetwork.Vgg => Vgg(Convolution),
            _ =>
            [
                Convolution(0, 3, 64, 3, 2), Chain(CeilPool, Fire(features / 3, 64, 16, 64), Fire(features / 4, 128, 16, 64)), Chain(CeilPool, Fire(features / 6, 128, 32, 128), Fire(features / 7, 256, 32, 128)),
                Chain(CeilPool, Fire(features / 9, 256, 48, 192)), Fire(features / 10, 384, 48, 192), Fire(features / 11, 384, 64, 256), Fire(features / 12, 512, 64, 256),
            ],
        };
        return x =>
        {
            var taps = new Tensor[slices.Length];
            for (var i = 0; i < slices.Length; i++) taps[i] = x = slices[i](x);
            return taps;
        };
    }

    private static Func<Tensor, Tensor>[] Vgg(Func<int, int, int, int, int, int, Func<Tensor, Tensor>> convolution)
    {
        Func<Tensor, Tensor> Three(int index, int inputs, int outputs) => convolution(index, inputs, outputs, 3, 1, 1);
        return
        [
            Chain(Three(0, 3, 64), Three(2, 64, 64)),
            Chain(Halved, Three(5, 64, 128), Three(7, 128, 128)),
            Chain(Halved, Three(10, 128, 256), Three(12, 256, 256), Three(14, 256, 256)),
            Chain(Halved, Three(17, 256, 512), Three(19, 512, 512), Three(21, 512, 512)),
            Chain(Halved, Three(24, 512, 512), Three(26, 512, 512), Three(28, 512, 512)),
        ];
    }

    private static Func<Tensor, Tensor> Fire(Weights at, int inputs, int squeezed, int each)
    {
        var (squeeze, one, three) = (Conv(at / "squeeze", inputs, squeezed, 1, 1, 0), Conv(at / "expand1x1", squeezed, each, 1, 1, 0), Conv(at / "expand3x3", squeezed, each, 3, 1, 1));
        return x => squeeze(x) is var narrow ? Tensor.Cat([one(narrow), three(narrow)], 1) : x;
    }

    private static Func<Tensor, Tensor> Conv(Weights at, int inputs, int outputs, int kernel, int stride, int padding)
    {
        var (weight, bias) = (at.Get("weight", [outputs, inputs, kernel, kernel], noInit, precise: true), at.Get("bias", [outputs], noInit, precise: true));
        return x => x.Conv2d(weight, bias, stride, padding).Relu();
    }

    private static Tensor Pool(Tensor x) => x.MaxPool2d(3, 2);
    private static Tensor CeilPool(Tensor x) => x.MaxPool2d(3, 2, ceil: true);
    private static Tensor Halved(Tensor x) => x.MaxPool2d(2, 2);
    private static Func<Tensor, Tensor> Chain(params Func<Tensor, Tensor>[] steps) => x => steps.Aggregate(x, (y, step) => step(y));
}
