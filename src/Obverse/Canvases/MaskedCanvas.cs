using Obverse.Torch;

namespace Obverse;

/// <summary>A picture that changes only inside a mask; elsewhere it is the background (inpainting). Always rendered at full resolution: a mask has edges.</summary>
/// <param name="inner">What changes; owned.</param>
/// <param name="mask">[1, 1, h, w] of 0 … 1: 1 where the picture may change; owned.</param>
/// <param name="background">[1, 3, h, w] in [0, 1]; owned.</param>
public sealed class MaskedCanvas(Canvas inner, Tensor mask, Tensor background) : CanvasWrapper(inner)
{
    public override Tensor Render(long height, long width) => Inner.Render();
    public override Tensor Present(Tensor raw) => Over(Inner.Present(raw));
    public override Tensor Finish(Tensor raw) => Over(Inner.Finish(raw)).Clamp(0, 1);
    public override Tensor Show() => Over(Inner.Show()).Clamp(0, 1);
    public override Tensor Show(long height, long width) => Over(Inner.Show(height, width)).Clamp(0, 1);

    public override Tensor? ShowRows(long height, long width, long top, long count)
    {
        if (Inner.ShowRows(height, width, top, count) is not { } image) return null;
        if (mask.To(image.Device).ResizeRows(height, width, top, count, Interpolation.Bilinear) is not { } share || background.To(image.Device).ResizeRows(height, width, top, count, Interpolation.Bicubic) is not { } behind) return null;
        return image * share + behind.Clamp(0, 1) * (1 - share);
    }

    public override void Dispose()
    {
        base.Dispose();
        mask.Dispose();
        background.Dispose();
    }

    private Tensor Over(Tensor image)
    {
        var share = Fit(mask, image);
        return image * share + Fit(background, image) * (1 - share);
    }

    // At the size of the picture, which may be rendered larger than it was drawn, or still be growing.
    private static Tensor Fit(Tensor plane, Tensor image)
    {
        plane = plane.To(image.Device);
        return plane.Size(2) == image.Size(2) && plane.Size(3) == image.Size(3) ? plane
            : plane.Resize(image.Size(2), image.Size(3), plane.Size(1) == 1 ? Interpolation.Bilinear : Interpolation.Bicubic, antialias: true).Clamp(0, 1);
    }
}
