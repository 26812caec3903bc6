using Obverse.Torch;

namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// CLIP^-1 without bank, Procrustes and blending (spec implicit-inversion.md 2.8 "Plain"): a random FINER, the layer sweep, the averaged embedding. Width, omega and rate are
    /// not published; these are chosen here. Omega 10 keeps the un-robust pocket tower from being answered in texture (docs/defaults.md); FINER's own is 30.
    /// </summary>
    [Recipe]
    public static Recipe ImplicitPlain(Quality quality = Quality.Normal, int width = 128, int height = 128) => new()
    {
        Name = "implicit-plain",
        About = "CLIP^-1 from a random FINER: layer-wise sweep and averaged embedding, no bank; the default without a bank",
        Canvas = Inr.Finer(hidden: 3, width: Choose(quality, 128, 256, 256), omega: 10),
        Views = Framed(Choose(quality, 6, 8, 16)).Averaged(),
        Objective = Objective.Toward(),
        Schedule = Schedule.Adam(5e-4).Sweep(width: 1.0).Steps(Choose(quality, 80, 200, 400)) with
        {
            // 3.5 times less time, and no worse by the judge (docs/speed.md). A draft is short already.
            Progressive = quality == Quality.Draft ? null : new([new Stage(Until: 0.7, Resolution: 0.25, Views: 0.625), new Stage(Until: 1, Resolution: 0.5, Views: 0.75)]),
        },
    };
}
