using Obverse.Torch;

namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// A few resolutions and Adam (spec zoo.md 8.1): best for a small non-robust encoder within a minute. Blur and noise in the views suppress adversarial texture in favour of shape
    /// (docs/defaults.md); the rate falls as a cosine so that the last steps settle.
    /// </summary>
    [Recipe]
    public static Recipe Pyramid(Quality quality = Quality.Normal, int width = 128, int height = 128) => new()
    {
        Name = "pyramid",
        About = "a sum of pixel grids of a few resolutions, optimised with Adam; the default with a start picture",
        Canvas = new Pyramid(Levels: 8, NaturalColours: 0.6),
        Views = Views.Of(Choose(quality, 4, 4, 8)).Rotate(8).Scale(0.8, 1.2).Shear(5).Translate(0.1).Affine(Border.Clamp).Color(0.2).Blur(0, 1.5).Noise(0.15),
        Objective = Objective.Toward() + 0.2 * Objective.TotalVariation(),
        Schedule = Schedule.Adam(Choose(quality, 0.08, 0.05, 0.05)).Cosine().Steps(Choose(quality, 80, 200, 600)),
    };
}
