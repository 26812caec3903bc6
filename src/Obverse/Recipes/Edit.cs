using Obverse.Torch;

namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// A picture moved toward a text (spec implicit-inversion.md 2.9): a FINER is fitted to the picture and moved toward a mix of the picture's embedding and the text's. The two shallowest layers are
    /// frozen, the peak of a low and falling rate moves from the third layer to the last: the layout stays, its content changes. The spec freezes one layer; two, at this rate, preserve more of the
    /// picture for the same gain (docs/applications.md).
    /// </summary>
    [Recipe(WorksOnPicture = true)]
    public static Recipe Edit(Quality quality = Quality.Normal, int width = 128, int height = 128) => new()
    {
        Name = "edit",
        About = "a picture moved toward a text, starting from a representation fitted to it (`obverse edit`)",
        Canvas = Inr.Finer(hidden: 3, width: Choose(quality, 96, 128, 256), omega: 10),
        Fit = Plainly(quality),
        Views = Framed(Choose(quality, 6, 8, 16)).Averaged(),
        Objective = Objective.Toward() + 0.2 * Objective.Toward(Targets.Start),
        Schedule = Schedule.Adam(2e-4).Sweep(width: 1.0, from: 2, frozen: 2).Cosine().Steps(Choose(quality, 120, 160, 240)),
    };

    // A plain fit, unblurred and unperturbed: what is edited is the picture, not its neighbourhood. 500 to 1000 steps by the spec.
    private static InrFit Plainly(Quality quality) => new() { Steps = Choose(quality, 250, 500, 1000), Gamma = 0, Blur = 0, Rate = 2e-3 };
}
