using Obverse.Torch;

namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// A picture reconstructed from its embedding (spec implicit-inversion.md 2.9): the target is the picture's embedding, the start a random FINER or, with a bank, the entry whose picture
    /// is nearest; never the picture itself. The embedding is the mean of 16 views of the picture, as the drawing's is of its own; noise, blur, a wide sweep and a higher rate than
    /// <see cref="ImplicitPlain"/>'s make shapes where that makes texture (docs/applications.md).
    /// </summary>
    [Recipe(WorksOnPicture = true)]
    public static Recipe Reconstruct(Quality quality = Quality.Normal, int width = 128, int height = 128) => ImplicitPlain(quality, width, height) with
    {
        Name = "reconstruct",
        About = "a picture reconstructed from its embedding alone (`obverse reconstruct`)",
        TargetViews = Framed(16),
        Views = Framed(Choose(quality, 6, 8, 16)).Noise(0.15).Blur(0, 1.5).Averaged(),
        Schedule = Schedule.Adam(2e-3).Sweep(width: 2.0).Cosine().Steps(Choose(quality, 160, 240, 400)), // no progressive resolution: at this rate a coarse grid leaves the function between its points undefined
    };
}
