using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse;

/// <summary>Between decoded pictures and tensors of [n, 3, h, w] in [0, 1].</summary>
public static class PictureTensors
{
    /// <summary>[1, 3, h, w] in [0, 1], on white where the picture has alpha (<see cref="Picture.WithoutAlpha"/> first: the colours under it).</summary>
    public static Tensor ToTensor(this Picture picture) => TensorScope.Of(() => Tensor.From(picture.OnWhite().Rgb, picture.Height, picture.Width, 3).Permute(2, 0, 1).Unsqueeze(0).Contiguous().To(DType.Float32) / 255);

    /// <summary>One picture of [n, 3, h, w], rounded to bytes.</summary>
    public static Picture ToPicture(this Tensor images, long index = 0)
    {
        using var scope = new TensorScope();
        var bytes = (images.Detach().Select(0, index).Clamp(0, 1) * 255).Round().To(DType.UInt8).Permute(1, 2, 0).Contiguous();
        return new((int)bytes.Size(1), (int)bytes.Size(0), bytes.ToArray<byte>());
    }
}
