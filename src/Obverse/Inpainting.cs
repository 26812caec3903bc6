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
        mask = Fit(mask, Interpolation.Bilinear);
        return image * mask + Fit(background, Interpolation.Bicubic) * (1 - mask);

        Tensor Fit(Tensor plane, Interpolation by) =>
            plane.Size(2) == image.Size(2) && plane.Size(3) == image.Size(3) ? plane : plane.Resize(image.Size(2), image.Size(3), by, antialias: true).Clamp(0, 1);
    }
}
