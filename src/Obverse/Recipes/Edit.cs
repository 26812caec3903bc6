using Obverse.Torch;

namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// A text added to a picture (spec implicit-inversion.md 2.9): a FINER is fitted to the picture and moved toward a mix of the picture's embedding and the text's. The two shallowest layers stay as they
    /// are, the peak of a low and falling rate goes from the third to the last: places keep where they are, what is drawn there changes. The spec keeps one layer still; two, at this rate, kept more of the
    /// picture for the same move (docs/applications.md).
    /// </summary>
    [Recipe(WorksOnPicture = true)]
    public static Recipe Edit(Quality quality = Quality.Normal, int width = 128, int height = 128) => new()
    {
        Name = "edit",
        About = "a picture moved toward a text, begun from a representation fitted to it (`obverse edit`)",
        Canvas = Inr.Finer(hidden: 3, width: Choose(quality, 96, 128, 256), omega: 10),
        Fit = Plainly(quality),
        Views = Framed(Choose(quality, 6, 8, 16)).Averaged(),
        Objective = Objective.Toward() + 0.2 * Objective.Toward(Targets.Start),
        Schedule = Schedule.Adam(2e-4).Sweep(width: 1.0, from: 2, frozen: 2).Cosine().Steps(Choose(quality, 120, 160, 240)),
    };

    // A plain fit, unblurred and unperturbed: what is edited is the picture, not its neighbourhood. 500 to 1000 steps by the spec.
    private static InrFit Plainly(Quality quality) => new() { Steps = Choose(quality, 250, 500, 1000), Gamma = 0, Blur = 0, Rate = 2e-3 };
}
