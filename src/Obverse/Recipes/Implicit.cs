using Obverse.Torch;

namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// CLIP^-1 whole (spec implicit-inversion.md 2): begins from the representation of the bank whose caption is nearest, draws toward the Procrustes-aligned prompt and, half as strongly, toward a
    /// blend of real pictures; the peak of the rate wanders from coarse layers to fine ones. 400 steps are published, the other numbers are chosen here (2.2 to 2.7): the rate for pocket-bank's
    /// 64 units (docs/defaults.md).
    /// Each part is a switch: `Bank`'s, the objective's second term, `.Sweep`.
    /// </summary>
    [Recipe]
    public static Recipe Implicit(Quality quality = Quality.Normal, int width = 128, int height = 128) => new()
    {
        Name = "implicit",
        About = "CLIP^-1 whole: a start from a bank of implicit representations, aligned and blended targets",
        Canvas = Inr.Finer(hidden: 3, width: 256), // the shape where nothing is retrieved; a bank's own otherwise
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
        About = "CLIP^-1 whole in 40 steps",
        Schedule = Schedule.Adam(1e-3).Sweep(width: 1.0).Steps(40),
    };
}
