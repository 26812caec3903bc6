using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// Convolution without bias, then batch norm with fixed statistics, multiplied into the convolution: the same function with fewer passes over memory. Folded,
/// that is done once, into a copy; else at every pass, and both can be trained.
/// </summary>
internal sealed class NormedConvolution : IDisposable
{
    private readonly int stride, groups;
    private readonly double epsilon;
    private readonly Tensor weight;
    private readonly Tensor? bias, gamma, beta, mean, variance;

    public NormedConvolution(Weights weights, string convolution, string norm, int inputs, int outputs, int kernel, double epsilon, Init init, bool fold, int stride = 1, int groups = 1, Init? gammaInit = null)
    {
        (this.stride, this.groups, this.epsilon) = (stride, groups, epsilon);
        weight = (weights / convolution).Get("weight", [outputs, inputs / groups, kernel, kernel], init);
        gamma = (weights / norm).Get("weight", [outputs], gammaInit ?? Inits.Ones);
        beta = (weights / norm).Get("bias", [outputs], Inits.Zeros);
        mean = (weights / norm).Get("running_mean", [outputs], Inits.Zeros);
        variance = (weights / norm).Get("running_var", [outputs], Inits.Ones);
        if (!fold) return;

        using var scope = new TensorScope();
        using var still = new NoGrad();
        var scale = gamma / (variance + epsilon).Sqrt();
        var (w, b) = ((weight * scale.Reshape(outputs, 1, 1, 1)).ChannelsLast(), beta - mean * scale);
        weight = TensorScope.Unscoped(() => w.Clone());
        bias = TensorScope.Unscoped(() => b.Clone());
        (gamma, beta, mean, variance) = (null, null, null, null);
    }

    public Tensor Forward(Tensor x, long padding = 0)
    {
        if (gamma is null) return x.Conv2d(weight, bias, stride, padding, groups);
        // The statistics stand still, so the norm can be multiplied in here too: gradients pass through, and pictures are walked over once less.
        var scale = gamma / (variance! + epsilon).Sqrt();
        return x.Conv2d(weight * scale.Reshape(-1, 1, 1, 1), beta! - mean! * scale, stride, padding, groups);
    }

    public void Dispose()
    {
        if (bias is null) return;
        weight.Dispose();
        bias.Dispose();
    }
}
