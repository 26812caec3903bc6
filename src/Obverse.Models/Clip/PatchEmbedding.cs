using Obverse.Torch;

namespace Obverse.Models;

/// <summary>The first layer of a vision transformer: a convolution whose kernels [width, 3, p, p] lie side by side, computed as one product of the patches' pixels.</summary>
internal static class PatchEmbedding
{
    /// <summary>[n, 3, rows · p, columns · p] to [n, rows · columns, width], row by row.</summary>
    /// <remarks>libtorch's strided convolution says the same, and takes several times as long backwards (docs/speed.md).</remarks>
    public static Tensor Of(Tensor pixels, Tensor kernels, Tensor? bias = null) => TensorScope.Of(() =>
    {
        var (n, channels, p) = (pixels.Size(0), pixels.Size(1), kernels.Size(3));
        var (rows, columns) = (pixels.Size(2) / p, pixels.Size(3) / p);
        var patches = pixels.Reshape(n, channels, rows, p, columns, p).Permute(0, 2, 4, 1, 3, 5).Reshape(n, rows * columns, channels * p * p);
        return patches.Linear(kernels.Flatten(1), bias);
    });
}
