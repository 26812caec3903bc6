using Obverse.Torch;

namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// <see cref="Implicit"/> for a small bank, without Procrustes, and short. Starts from one of the four representations whose caption and picture are nearest, a different one for each seed (mod four); the objective is the
    /// prompt's own embedding and, with a quarter of the weight, a blend of the pictures nearest to it: a bank of a few hundred concepts has no caption for most prompts, and the
    /// nearest one names something else. The pocket text encoder has a small modality gap, so alignment costs (docs/ablations.md). Start and blend give a single centred object in the colours of photographs;
    /// a higher rate or more than a hundred steps lose the start and bring texture (docs/defaults.md).
    /// </summary>
    [Recipe]
    public static Recipe ImplicitBlend(Quality quality = Quality.Normal, int width = 128, int height = 128) => Implicit(quality, width, height) with
    {
        Name = "implicit-blend",
        About = "CLIP^-1 from a bank, with blending and without Procrustes alignment; the default if the model has a bank",
        Views = Framed(Choose(quality, 6, 8, 16)).Averaged(),
        Objective = Objective.Toward() + 0.25 * Objective.Toward(Targets.Pictures),
        Schedule = Schedule.Adam(7e-4).Sweep(width: 1.0).Steps(Choose(quality, 100, 100, 200)),
        Bank = new() { Neighbours = 0, Starts = 4, StartsByPair = true, BlendsByPicture = true },
    };
}
