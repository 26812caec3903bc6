using Obverse.Torch;

namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// The full CLIP^-1 (spec implicit-inversion.md 2): starts from the representation of the bank whose caption is nearest; the objective is the Procrustes-aligned prompt and, with half the weight, a
    /// blend of real pictures; the peak of the rate moves from shallow layers to deep ones. 400 steps are published, the other numbers are chosen here (2.2 to 2.7): the rate for pocket-bank's
    /// 64 units (docs/defaults.md).
    /// Each part is a switch: `Bank`'s, the objective's second term, `.Sweep`.
    /// </summary>
    [Recipe]
    public static Recipe Implicit(Quality quality = Quality.Normal, int width = 128, int height = 128) => new()
    {
        Name = "implicit",
        About = "the full CLIP^-1: start from a bank of implicit representations, aligned and blended targets",
        Canvas = Inr.Finer(hidden: 3, width: 256), // without a bank; else the bank's own plan
        Views = Framed(Choose(quality, 6, 16, 16)).Averaged(),
        Objective = Objective.Toward() + 0.5 * Objective.Toward(Targets.Pictures),
        Schedule = Schedule.Adam(1e-3).Sweep(width: 1.0).Steps(Choose(quality, 120, 400, 400)),
        Bank = new(),
    };

    /// <summary>The same in the 40 steps that the paper also reports.</summary>
    [Recipe]
    public static Recipe ImplicitFast(Quality quality = Quality.Normal, int width = 128, int height = 128) => Implicit(quality, width, height) with
    {
        Name = "implicit-fast",
        About = "the full CLIP^-1 in 40 steps",
        Schedule = Schedule.Adam(1e-3).Sweep(width: 1.0).Steps(40),
    };
}
