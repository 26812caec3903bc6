namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// CLIP-Inv (Kazemi et al. 2024; spec pixel-baselines.md 3.1): raw pixels from noise, 64 -> 128 -> 224, Adam 0.1, 13 views, TV 0.005, 3400 steps. `best` is as published;
    /// the others keep the proportions.
    /// </summary>
    [Recipe]
    public static Recipe ClipInv(Quality quality = Quality.Normal, int width = 128, int height = 128)
    {
        var steps = Choose(quality, 170, 680, 3400);
        return new()
        {
            Name = "clip-inv",
            About = "raw pixels with growing resolution and total variation, as in CLIP-Inv",
            Canvas = new Pixels(StartShare: 64.0 / 224, GrowAt: [steps * 900 / 3400, steps * 1800 / 3400], MinMax: true),
            Views = Views.Of(Choose(quality, 6, 13, 13)).ClipInv(),
            Objective = Objective.Toward(Distance.Euclidean) + 0.005 * Objective.NeighbourNorm(),
            Schedule = Schedule.Adam(0.1).Clip(1).Steps(steps),
        };
    }
}
