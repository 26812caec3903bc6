using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// How an analytic start makes a convolutional autoencoder linear: convolutions written by hand; before a norm over all channels and a SiLU each number goes beside its negative, silu(x) - silu(-x) = x,
/// and beside a large constant that the norm divides by, so that it scales every picture nearly alike.
/// </summary>
internal static class LinearStart
{
    /// <summary>Brightness and two opponent colours, orthonormal.</summary>
    public static readonly double[][] Colours = [[1 / Math.Sqrt(3), 1 / Math.Sqrt(3), 1 / Math.Sqrt(3)], [1 / Math.Sqrt(2), 0, -1 / Math.Sqrt(2)], [1 / Math.Sqrt(6), -2 / Math.Sqrt(6), 1 / Math.Sqrt(6)]];

    /// <summary>Haar's, over (0, 0), (0, 1), (1, 0), (1, 1): twice the mean, and the differences across, down and diagonally.</summary>
    public static readonly double[][] Details = [[.5, .5, .5, .5], [.5, -.5, .5, -.5], [.5, .5, -.5, -.5], [.5, -.5, -.5, .5]];

    /// <summary>Weight [out, in, y, x] and bias of a convolution, zeros but for what <paramref name="fill"/> writes.</summary>
    public static void Set(Weights weights, string layer, Action<float[,,,], float[]> fill)
    {
        var (weight, bias) = (weights.All[layer + ".weight"], weights.All[layer + ".bias"]);
        var (values, offsets) = (new float[weight.Size(0), weight.Size(1), weight.Size(2), weight.Size(3)], new float[bias.Size(0)]);
        fill(values, offsets);
        weight.CopyInPlace(Tensor.From([.. values.Cast<float>()], weight.Shape));
        bias.CopyInPlace(Tensor.From(offsets));
    }

    /// <summary>A 1 x 1 convolution to <paramref name="count"/> numbers, their negatives, and the constant and its negative in the last two of <paramref name="outputs"/> channels.</summary>
    public static void Pairs(Weights weights, string layer, int count, double constant, Func<int, int, double> weight, int inputs, int outputs) => Set(weights, layer, (w, b) =>
    {
        for (var k = 0; k < count; k++)
            for (var j = 0; j < inputs; j++) (w[k, j, 0, 0], w[count + k, j, 0, 0]) = ((float)weight(k, j), -(float)weight(k, j));
        (b[outputs - 2], b[outputs - 1]) = ((float)constant, -(float)constant);
    });

    /// <summary>A norm over <paramref name="channels"/> divides by about sqrt(2 / channels) of the constant; its weight multiplies it back.</summary>
    public static void Restored(Weights weights, string norm, double constant, int channels)
    {
        weights.All[norm + ".weight"].FillInPlace(constant * Math.Sqrt(2.0 / channels));
        weights.All[norm + ".bias"].FillInPlace(0);
    }
}
