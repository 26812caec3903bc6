using Obverse.Torch;

namespace Obverse;

/// <summary>A picture that changes only where a mask lets it.</summary>
internal static class Inpainting
{
    /// <summary>The picture where <paramref name="mask"/> is 1, <paramref name="background"/> where it is 0; both are brought to the picture's size.</summary>
    public static Tensor Over(Tensor image, Tensor? mask, Tensor? background)
    {
        if (mask is null) return image;
        if (background is null) throw new InvalidOperationException("a mask wants a background");
        mask = Fit(mask, image);
        return image * mask + Fit(background, image) * (1 - mask);
    }

    /// <summary>A mask or background at the size of the picture, which may be shown larger than it was drawn, or still be growing.</summary>
    public static Tensor Fit(Tensor plane, Tensor image) => Sized(plane.To(image.Device), image);

    private static Tensor Sized(Tensor plane, Tensor image) =>
        plane.Size(2) == image.Size(2) && plane.Size(3) == image.Size(3) ? plane
        : plane.Resize(image.Size(2), image.Size(3), plane.Size(1) == 1 ? Interpolation.Bilinear : Interpolation.Bicubic, antialias: true).Clamp(0, 1);
}
