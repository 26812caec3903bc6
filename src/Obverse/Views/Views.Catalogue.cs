using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse;

/// <summary>One line of the catalogue.</summary>
public sealed record NamedViews(string Name, Views Views);

/// <summary>One row of a contact sheet: [count, 3, h, w], RGB, not always within [0, 1].</summary>
public sealed record ViewRow(string Name, Views Views, Tensor Pictures);

public sealed partial record Views
{
    /// <summary>Every view once, with parameters that can be seen, then the chains that the methods use; for pictures whose smaller side is <paramref name="side"/> pixels.</summary>
    public static IReadOnlyList<NamedViews> Catalogue(int side = 224)
    {
        int Part(double fraction) => Math.Max(1, (int)(side * fraction));
        var sigma = side / 224.0;
        return
        [
            new("scale", Plain.Scale(0.6, 1.4)),
            new("shear", Plain.Shear(20)),
            new("rotate", Plain.Rotate(30)),
            new("translate, zeros", Plain.Translate(0.25).Affine(Border.Zeros)),
            new("perspective on black", Plain.Perspective(0.5)),
            new("perspective on white", Plain.Perspective(0.5, fill: 1)),
            new("perspective of kornia", Plain.Then(new KorniaPerspectiveView { Strength = 0.7 })),
            new("roll", Plain.Roll(Part(0.25))),
            new("shift", Plain.Then(new ShiftView { Fraction = 0.25 })),
            new("rescale", Plain.Then(new RescaleView { Ratio = new(0.6, 1.4) })),
            new("centre crop", Plain.Crop(Part(0.6))),
            new("trimmed margin", Plain.Trim(Part(0.1), Part(0.2))),
            new("patch", Plain.Patch(Part(0.5), side)),
            new("random resized crop", Plain.RandomResizedCrop(side, 0.3, 0.9)),
            new("lanczos cut", Plain.Then(new LanczosCutView { Size = Part(0.5) })),
            new("pool", Plain.Then(new PoolView { Height = Part(0.25), Width = Part(0.25) })),
            new("resize", Plain.Resize(Part(0.25), Interpolation.Bicubic)),
            new("color", Plain.Color(0.4)),
            new("color jitter", Plain.Then(new ColorJitterView { Brightness = 0.3, Contrast = 0.3, Saturation = 0.5, Hue = 0.2 })),
            new("color shift", Plain.Then(new ColorShiftView { Mean = 0.3, Std = 0.3 })),
            new("color of DiffAugment", Plain.Then(new DiffColorView())),
            new("contrast", Plain.Then(new ContrastView())),
            new("normalize", Plain.Then(new NormalizeView())),
            new("noise", Plain.Noise(0.1)),
            new("varied noise", Plain.VariedNoise(0.3)),
            new("uniform noise", Plain.UniformNoise(0.3)),
            new("clip", Plain.UniformNoise(0.5).Clip()),
            new("blur", Plain.Blur(0.5 * sigma, 6 * sigma)),
            new("cutout", Plain.Cutout(0.5)),
            new("erase", Plain.Then(new EraseView())),
            new("CLIP^-1", Of(16).Scale(0.8, 1.2).Shear(10).Color(0.2).Averaged()),
            new("CLIP-Inv", Of(13).ClipInv()),
            new("DAS", Of(32).Das(Part(1 / 6.0), Part(2 / 3.0))),
            new("CLIPAG, patches", Of(32).Noise(0.01, shared: true).Patch(Part(128 / 224.0), side).Clip().DiffAugment()),
            new("CLIPAG, whole", Of(32).Noise(0.01).DiffAugment()),
            new("CLIPDraw", Of(4).ClipDraw(side)),
            new("CLIPStyler", Of(64).ClipStyler(Part(0.25), side)),
            new("VQGAN+CLIP, classic", Of(64).ClassicCutouts(Part(0.5))),
            new("VQGAN+CLIP, latest", Of(32).LatestCutouts(Part(0.5))),
        ];
    }

    /// <summary>
    /// What each view of the catalogue makes of one picture [1, 3, h, w]: a row of <paramref name="count"/> samples. Rows are drawn from (seed, name), so that a view added leaves the others as they were.
    /// The tensors belong to the scope open outside.
    /// </summary>
    public static IEnumerable<ViewRow> ContactSheet(Tensor picture, int count = 8, ulong seed = 0)
    {
        foreach (var (name, views) in Catalogue((int)Math.Min(picture.Size(2), picture.Size(3))))
        {
            using var random = Generator.For(seed, [.. name.Select(c => (ulong)c)]);
            yield return new(name, views, Row(picture, views with { Count = count }, random));
        }

        static Tensor Row(Tensor picture, Views views, Generator random)
        {
            using var still = new NoGrad();
            return TensorScope.Of(() => views.Apply(picture, random));
        }
    }
}
