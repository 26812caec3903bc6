using Obverse.Torch;

namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// <see cref="Implicit"/> for a small bank, without Procrustes, and short. Begins from one of the four representations whose caption and picture are nearest, another one for each seed (mod four); draws toward the
    /// prompt's own embedding and, a quarter as strongly, toward a blend of the pictures that are nearest themselves: a bank of a few hundred kinds has no caption for most prompts, and the
    /// nearest one is of something else. the pocket text tower puts texts among pictures already, so aligning them costs (docs/ablations.md). Start and blend give one thing in its place, in the colours of photographs;
    /// a higher rate or more steps than a hundred wash the start away and bring texture (docs/defaults.md).
    /// </summary>
    [Recipe]
    public static Recipe ImplicitBlend(Quality quality = Quality.Normal, int width = 128, int height = 128) => Implicit(quality, width, height) with
    {
        Name = "implicit-blend",
        About = "CLIP^-1 from a bank, without Procrustes: one thing in its place; the default where the model has a bank",
        Views = Framed(Choose(quality, 6, 8, 16)).Averaged(),
        Objective = Objective.Toward() + 0.25 * Objective.Toward(Targets.Pictures),
        Schedule = Schedule.Adam(7e-4).Sweep(width: 1.0).Steps(Choose(quality, 100, 100, 200)),
        Bank = new() { Neighbours = 0, Starts = 4, StartsByPair = true, BlendsByPicture = true },
    };
}
