using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// Convolution without bias, then batch norm with fixed statistics, multiplied into the convolution: the same function with fewer passes over memory. Folded,
/// that is done once, into a copy; else at every pass, and both can be trained.
/// </summary>
internal sealed class NormedConvolution : IDisposable
{
    private readonly int stride, groups;
    private readonly bool isByRows;
    private readonly double epsilon;
    private readonly Tensor weight;
    private readonly Tensor? bias, gamma, beta, mean, variance;

    public NormedConvolution(Weights weights, string convolution, string norm, int inputs, int outputs, int kernel, double epsilon, Init init, bool fold, int stride = 1, int groups = 1, Init? gammaInit = null, bool channelsLast = false)
    {
        (this.stride, this.groups, this.epsilon, isByRows) = (stride, groups, epsilon, fold && channelsLast && kernel == 1 && stride == 1 && groups == 1);
        weight = (weights / convolution).Get("weight", [outputs, inputs / groups, kernel, kernel], init, precise: true);
        gamma = (weights / norm).Get("weight", [outputs], gammaInit ?? Inits.Ones, precise: true);
        beta = (weights / norm).Get("bias", [outputs], Inits.Zeros, precise: true);
        mean = (weights / norm).Get("running_mean", [outputs], Inits.Zeros, precise: true);
        variance = (weights / norm).Get("running_var", [outputs], Inits.Ones, precise: true);
        if (!fold) return;

        using var scope = new TensorScope();
        using var still = new NoGrad();
        var scale = gamma / (variance + epsilon).Sqrt();
        var (w, b) = ((weight * scale.Reshape(outputs, 1, 1, 1)).ChannelsLast(), beta - mean * scale);
        weight = Tensor.Owned(() => w.To(weights.Type).Clone());
        bias = Tensor.Owned(() => b.To(weights.Type).Clone());
        (gamma, beta, mean, variance) = (null, null, null, null);
    }

    /// <param name="x">[n, inputs, h, w].</param>
    /// <param name="padding">Zeros on every side.</param>
    /// <param name="later">The window begins a pixel later, so that there is one zero less before the picture than after it: by a kernel with a row and a column of zeros in front, as a padded picture would be a copy.</param>
    public Tensor Forward(Tensor x, long padding = 0, bool later = false) => ByRows(x) ? Picture(Rows(x).Linear(Matrix, bias), x) : Convolved(x, padding, later);

    /// <summary>The same, then between 0 and 6.</summary>
    public Tensor ForwardRelu6(Tensor x, long padding = 0, bool later = false) => ByRows(x) ? Picture(Rows(x).Linear(Matrix, bias).Relu6InPlace(), x) : Convolved(x, padding, later).Relu6InPlace();

    private Tensor Convolved(Tensor x, long padding, bool later)
    {
        Tensor W(Tensor kernel) => later ? kernel.Pad([1, 0, 1, 0]) : kernel;
        if (gamma is null) return x.Conv2d(W(weight), bias, stride, padding, groups);
        // The statistics stand still, so the norm can be multiplied in here too: gradients pass through, and pictures are walked over once less.
        var scale = gamma / (variance! + epsilon).Sqrt();
        return x.Conv2d(W(weight * scale.Reshape(-1, 1, 1, 1)), beta! - mean! * scale, stride, padding, groups);
    }

    // One matrix product for all pictures where a pixel's channels lie together: for few pictures on one thread libtorch has a product a picture, and copies round it (ATen, use_mkldnn).
    private bool ByRows(Tensor x) => isByRows && Runtime.Threads == 1 && x.Size(0) < 16 && x.Device == Device.Cpu;

    // [outputs, inputs]
    private Tensor Matrix => weight.Reshape(weight.Size(0), weight.Size(1));

    // [n h w, inputs], a view where the channels of a pixel lie together.
    private static Tensor Rows(Tensor x) => x.Permute(0, 2, 3, 1).Reshape(-1, x.Size(1));

    // [n h w, outputs] as [n, outputs, h, w], a view.
    private static Tensor Picture(Tensor rows, Tensor like) => rows.Reshape(like.Size(0), like.Size(2), like.Size(3), rows.Size(1)).Permute(0, 3, 1, 2);

    public void Dispose()
    {
        if (bias is null) return;
        weight.Dispose();
        bias.Dispose();
    }
}
