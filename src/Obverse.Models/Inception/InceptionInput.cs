using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>How a library brings a picture to Inception's 299 pixels and -1 … 1. FID differs by up to 1 between them on the same pictures (docs/whose-fid.md).</summary>
public enum InceptionInput
{
    /// <summary>Bilinear between half-pixel centres without antialias, of values in 0 … 1; 2x - 1 (pytorch-fid, inception.py, InceptionV3.forward).</summary>
    PytorchFid,

    /// <summary>TensorFlow 1's bilinear, whose samples lie at i · in / out; (x - 128) / 128 (torch-fidelity, interpolate_compat_tensorflow.py).</summary>
    TorchFidelity,

    /// <summary>Pillow's antialiased bicubic on floats, not rounded and not clipped; (x - 128) / 128 (clean-fid, resize.py and inception_torchscript.py).</summary>
    CleanFid,
}

public static class InceptionInputs
{
    /// <summary>A picture as the network takes it: [1, 3, 299, 299].</summary>
    public static Tensor Prepare(this InceptionInput input, Picture picture, int side = InceptionNetwork.Side)
    {
        using var still = new NoGrad();
        return TensorScope.Of(() => input switch
        {
            InceptionInput.PytorchFid => (Bytes(picture) / 255.0).Resize(side, side) * 2.0 - 1.0,
            InceptionInput.TorchFidelity => (TensorFlowBilinear(Bytes(picture), side, side) - 128.0) / 128.0,
            _ => (PillowBicubic(picture, side) - 128.0) / 128.0,
        });
    }

    /// <summary>Bilinear as TensorFlow 1 resizes [n, 3, h, w]: no half-pixel shift, places in float32.</summary>
    public static Tensor TensorFlowBilinear(Tensor images, int height, int width)
    {
        using var still = new NoGrad();
        return TensorScope.Of(() => Along(Along(images, 3, width), 2, height));
    }

    private static Tensor Along(Tensor images, int dim, int size)
    {
        var from = images.Size(dim);
        var scale = (float)((double)from / size);
        var (low, high, part) = (new long[size], new long[size], new float[size]);
        for (var i = 0; i < size; i++)
        {
            var at = i * scale;
            low[i] = (long)at;
            high[i] = Math.Min(low[i] + 1, from - 1);
            part[i] = at - low[i];
        }

        var (below, above) = (images.IndexSelect(dim, Tensor.From(low)), images.IndexSelect(dim, Tensor.From(high)));
        return below + (above - below) * Tensor.From(part, dim == 3 ? [1, 1, 1, size] : [1, 1, size, 1]);
    }

    private static Tensor PillowBicubic(Picture picture, int side)
    {
        var all = new float[3 * side * side];
        var rgb = picture.Rgb;
        for (var c = 0; c < 3; c++)
        {
            var plane = new float[picture.Width * picture.Height];
            for (var i = 0; i < plane.Length; i++) plane[i] = rgb[i * 3 + c];
            Resample.Floats(plane, picture.Width, picture.Height, side, side).CopyTo(all.AsSpan(c * side * side));
        }

        return Tensor.From(all, 1, 3, side, side);
    }

    private static Tensor Bytes(Picture picture) => Tensor.From(picture.Rgb, 1, picture.Height, picture.Width, 3).Permute(0, 3, 1, 2).To(DType.Float32).Contiguous();
}
