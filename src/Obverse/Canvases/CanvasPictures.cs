using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse;

/// <summary>Finished pictures of a canvas as bytes; large ones are rendered in bands of rows, so that only their bytes lie in memory as a whole.</summary>
public static class CanvasPictures
{
    private const long WholePixels = 1 << 22, BandPixels = 1 << 16;

    /// <summary>The first picture of a canvas at a size.</summary>
    /// <param name="canvas">Rendered without gradients.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="own">Height and width that it was drawn at; from them a canvas that cannot be rendered in bands is enlarged.</param>
    /// <param name="cancellation">Checked between bands.</param>
    public static Picture ToPicture(this Canvas canvas, long height, long width, (long Height, long Width) own, CancellationToken cancellation = default) => ToPicture(canvas, height, width, own, WholePixels, BandPixels, cancellation);

    internal static Picture ToPicture(Canvas canvas, long height, long width, (long Height, long Width) own, long most, long bandPixels, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var scope = new TensorScope();
        using var still = new NoGrad();
        if (height * width <= most || own == (height, width)) return canvas.Show(height, width).Clamp(0, 1).ToPicture();
        var rgb = new byte[3 * height * width];
        var rows = Math.Max(1, bandPixels / width);
        for (long top = 0; top < height; top += rows)
        {
            cancellation.ThrowIfCancellationRequested();
            using var band = new TensorScope();
            if (canvas.ShowRows(height, width, top, Math.Min(rows, height - top)) is not { } shown) return canvas.Show(own.Height, own.Width).Clamp(0, 1).ToPicture().Resize((int)width, (int)height);
            shown.Clamp(0, 1).ToPicture().Rgb.CopyTo(rgb.AsSpan((int)(top * width * 3)));
        }

        return new((int)width, (int)height, rgb);
    }

    /// <summary>Rows <paramref name="top"/> … of a picture [n, c, h, w] enlarged to height x width; null where it is shrunk: then a row comes of many.</summary>
    internal static Tensor? ResizeRows(this Tensor image, long height, long width, long top, long count, Interpolation by)
    {
        var (n, scale) = (image.Size(2), image.Size(2) / (double)height);
        if (scale > 1 || image.Size(3) > width) return null;
        if (by == Interpolation.Nearest) return image.Resize(count, width, by); // of one pixel
        var taps = by == Interpolation.Bicubic ? 4 : 2;
        Tensor? sum = null;
        for (var tap = 0; tap < taps; tap++)
        {
            var (rows, weights) = (new long[count], new float[count]);
            for (var i = 0; i < count; i++)
            {
                var y = Math.Max((top + i + 0.5) * scale - 0.5, taps == 2 ? 0 : -1);
                var (whole, part) = ((long)Math.Floor(y), y - Math.Floor(y));
                rows[i] = Math.Clamp(whole + tap - (taps / 2 - 1), 0, n - 1);
                weights[i] = (float)(taps == 2 ? tap == 0 ? 1 - part : part : Cubic(Math.Abs(part + 1 - tap)));
            }

            var share = image.IndexSelect(2, Tensor.From(rows).To(image.Device)) * Tensor.From(weights).Reshape(1, 1, count, 1).To(image.Device);
            sum = sum is null ? share : sum + share;
        }

        return sum!.Resize(count, width, by);
    }

    // Keys' kernel with a = -0.75, as libtorch has it.
    private static double Cubic(double x) => x <= 1 ? (1.25 * x - 2.25) * x * x + 1 : ((-0.75 * x + 3.75) * x - 6) * x + 3;
}
