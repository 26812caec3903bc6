using Obverse.Torch;

namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// A few resolutions and Adam (spec zoo.md 8.1): what draws best with a small un-robust tower within a minute. Blur and noise in the views turn texture into shape (docs/defaults.md): what they
    /// take away cannot answer the tower; the rate falls as a cosine so that the last steps settle.
    /// </summary>
    [Recipe]
    public static Recipe Pyramid(Quality quality = Quality.Normal, int width = 128, int height = 128) => new()
    {
        Name = "pyramid",
        About = "a sum of pictures of a few resolutions, moved by Adam; the default where a picture is begun from",
        Canvas = new Pyramid(Levels: 8, NaturalColours: 0.6),
        Views = Views.Of(Choose(quality, 4, 4, 8)).Rotate(8).Scale(0.8, 1.2).Shear(5).Translate(0.1).Affine(Border.Clamp).Color(0.2).Blur(0, 1.5).Noise(0.15),
        Objective = Objective.Toward() + 0.2 * Objective.TotalVariation(),
        Schedule = Schedule.Adam(Choose(quality, 0.08, 0.05, 0.05)).Cosine().Steps(Choose(quality, 80, 200, 600)),
    };
}
