using Obverse.Torch;

namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// <see cref="Implicit"/> without Procrustes, and short: begins from the representation of the bank whose caption is nearest, draws toward the prompt's own embedding and, half as
    /// strongly, toward a blend of real pictures. The pocket text tower's words lie among pictures already, so turning them costs (docs/ablations.md); start and blend give what the eye asks for, one thing
    /// in its place in the colours of photographs. More steps than a hundred bring texture only (docs/defaults.md).
    /// </summary>
    public static Recipe ImplicitBlend(Quality quality = Quality.Normal, int width = 128, int height = 128) => Implicit(quality, width, height) with
    {
        Name = "implicit-blend",
        About = "CLIP^-1 from a bank, without Procrustes: composed, in the colours of photographs",
        Views = Framed(Choose(quality, 6, 8, 16)).Averaged(),
        Schedule = Schedule.Adam(1e-3).Sweep(width: 1.0).Steps(Choose(quality, 100, 100, 200)),
        Prior = new(Neighbours: 0),
    };
}
