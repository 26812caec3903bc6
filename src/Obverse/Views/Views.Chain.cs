using Obverse.Torch;

namespace Obverse;

/// <summary>Views by name. Scale, shear, rotation and translation next to each other become one <see cref="AffineView"/>: one matrix, nothing resampled twice.</summary>
public sealed partial record Views
{
    public Views Then(View view) => this with { Chain = [.. Chain, view] };
    public Views Then(Views after) => this with { Chain = [.. Chain, .. after.Chain] };

    /// <summary>Averages the embeddings of the views and normalises the mean (implicit-inversion 2.6).</summary>
    public Views Averaged() => this with { IsAveraged = true };

    /// <summary>Averages the losses of the views: the default.</summary>
    public Views Mean() => this with { IsAveraged = false };

    /// <summary>Larger or smaller about the centre, the same in both directions.</summary>
    public Views Scale(double low, double high) => Merge("scale", a => a.Scale == AffineView.One, a => a with { Scale = new(low, high) });

    /// <summary>Up to N degrees along x and along y.</summary>
    public Views Shear(double degrees) => Merge("shear", a => a.ShearX == default && a.ShearY == default, a => a with { ShearX = Interval.Around0(degrees), ShearY = Interval.Around0(degrees) });
    public Views Rotate(double degrees) => Merge("rotation", a => a.Angle == default, a => a with { Angle = Interval.Around0(degrees) });

    /// <summary>Up to a fraction of the width along x and of the height along y.</summary>
    public Views Translate(double fraction) => Merge("translation", a => a.TranslateX == 0 && a.TranslateY == 0, a => a with { TranslateX = fraction, TranslateY = fraction });

    /// <summary>What the geometric view before this shows outside the picture, and how often it acts at all.</summary>
    public Views Affine(Border border, double probability = 1) => Merge("border", _ => true, a => a with { Border = border, Probability = probability });

    /// <summary>Whole pixels with wrap-around, up to N along each axis.</summary>
    public Views Roll(int pixels) => Then(new RollView { Pixels = pixels });

    /// <summary>The square of N pixels in the centre.</summary>
    public Views Crop(int size) => Then(new CentreCropView { Size = size });

    /// <summary>A random square of <paramref name="size"/> pixels, resized to <paramref name="to"/> where given.</summary>
    public Views Patch(int size, int? to = null, Interpolation by = Interpolation.Bilinear, bool antialias = false) => Then(new PatchView { Size = size, To = to, By = by, Antialias = antialias });

    /// <summary>Brightness, contrast and saturation x U(1 - strength, 1 + strength) (implicit-inversion 2.6).</summary>
    public Views Color(double strength) => Then(new ColorView { Brightness = strength, Contrast = strength, Saturation = strength });
    public Views Noise(double sigma, bool shared = false) => Then(new NoiseView { Sigma = sigma, IsShared = shared });

    /// <summary>+ scale * U[0, 1): positive, as DAS has it (pixel-baselines 3.2).</summary>
    public Views UniformNoise(double scale) => Then(new UniformNoiseView { Scale = scale });

    /// <summary>+ N(0, 1) times one U(0, most) a picture.</summary>
    public Views VariedNoise(double most) => Then(new VariedNoiseView { Most = most });
    public Views Clip(bool keepGradient = false) => Then(new ClipView { KeepsGradient = keepGradient });

    /// <summary>A black box with sides of a fraction of the picture's, centred anywhere.</summary>
    public Views Cutout(double fraction) => Then(new CutoutView { Fraction = fraction });
    public Views Blur(double sigma) => Then(new BlurView { Sigma = new(sigma, sigma) });
    public Views Blur(double low, double high) => Then(new BlurView { Sigma = new(low, high) });
    public Views Perspective(double strength, double fill = 0) => Then(new PerspectiveView { Strength = strength, Fill = fill });

    /// <summary>A random part of U(low, high) of the area, resized to a square.</summary>
    public Views RandomResizedCrop(int size, double low, double high, bool antialias = true) => Then(new RandomResizedCropView { Height = size, Width = size, Area = new(low, high), Antialias = antialias });
    public Views Resize(int size, Interpolation by = Interpolation.Bilinear, bool antialias = true) => Then(new ResizeView { Height = size, Width = size, By = by, Antialias = antialias });

    /// <summary>DAS's padded canvas: roll by up to <paramref name="pad"/>, centre crop, positive noise, clip (pixel-baselines 3.2).</summary>
    public Views Das(int pad = 56, int size = 224, double noise = 0.2) => Roll(pad).Crop(size).UniformNoise(noise).Clip();

    /// <summary>CLIP-Inv's affine: each view with probability one half (pixel-baselines 3.1).</summary>
    public Views ClipInv() => Rotate(30).Translate(0.1).Scale(0.7, 1.2).Affine(Border.Clamp, probability: 0.5);

    /// <summary>CLIPAG's DiffAugment: colour, translation, resize, cutout (clipag 4.2).</summary>
    public Views DiffAugment() => Then(new DiffColorView()).Then(new ShiftView()).Then(new RescaleView()).Cutout(0.5);

    /// <summary>VQGAN+CLIP's first cutouts: random squares, resampled (canvases 5.7).</summary>
    public Views ClassicCutouts(int size = 224, double power = 1) => Then(new LanczosCutView { Size = size, Power = power }).Clip(keepGradient: true);

    /// <summary>VQGAN+CLIP's "latest" cutouts: the whole picture pooled, then kornia's augmentations (canvases 5.7).</summary>
    public Views LatestCutouts(int size = 224) => Then(new PoolView { Height = size, Width = size })
        .Then(new AffineView { Angle = Interval.Around0(15), TranslateY = 0.1, ShearX = Interval.Around0(5), Border = Border.Zeros, Probability = 0.7 }) // the scalars .1 and 5 reach one axis only
        .Then(new KorniaPerspectiveView { Strength = 0.7, Probability = 0.7 })
        .Then(new ColorJitterView { Brightness = 0.1, Contrast = 0.1, Saturation = 0.1, Hue = 0.1, Probability = 0.7 })
        .Then(new EraseView { Probability = 0.7 })
        .VariedNoise(0.1);

    /// <summary>CLIPStyler's patches: random crop, perspective, resize (canvases 5.8).</summary>
    public Views ClipStyler(int patch = 128, int size = 224) => Patch(patch).Perspective(0.5).Resize(size);

    /// <summary>CLIPDraw's views on white paper (canvases 5.1).</summary>
    public Views ClipDraw(int size = 224) => Perspective(0.5, fill: 1).RandomResizedCrop(size, 0.7, 0.9);

    private Views Merge(string what, Func<AffineView, bool> isFree, Func<AffineView, AffineView> set)
    {
        if (Chain is not [.., AffineView last]) return Then(set(new AffineView()));
        if (!isFree(last)) throw new ArgumentException($"Views: the affine view before this has a {what} already: {last}; add another with Then(new AffineView …)");
        return this with { Chain = [.. Chain.SkipLast(1), set(last)] };
    }
}
