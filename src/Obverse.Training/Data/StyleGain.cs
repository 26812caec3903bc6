using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// Whether a drawing took on a style: the cosine, in the features of a judge that never drew, between the way from the plain drawing to the styled one and the way from the plain drawing to the
/// same drawing painted in the style (<see cref="PaintedStyle.Paint"/>). 0: it changed in other ways; 1: as the style does.
/// </summary>
public static class StyleGain
{
    private const int Side = 128;

    /// <param name="judge">Another network than the one that drew.</param>
    /// <param name="style">Which style was asked for.</param>
    /// <param name="plain">The thing drawn without the style's words.</param>
    /// <param name="styled">The thing drawn with them.</param>
    public static double Of(Judge judge, PaintedStyle style, Picture plain, Picture styled)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        byte[] Square(Picture picture) => PictureBatches.CentreCrop(picture.OnWhite().Rgb, picture.Width, picture.Height, Side);
        var before = Square(plain);
        var features = judge.Features(PictureBatches.ToTensor([before, Square(styled), style.Paint(before, Side)], Side)).To(DType.Float32); // [3, channels]
        Tensor drawn = (features[1] - features[0]).Unsqueeze(0).Normalized(), painted = (features[2] - features[0]).Unsqueeze(0).Normalized();
        return (drawn * painted).Sum().Item();
    }
}
