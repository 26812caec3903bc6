namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// A picture moved toward the style of another, or of a text (spec implicit-inversion.md 2.9): as <see cref="Edit"/>, but only the deep two of five layers move, at a higher rate. The spec keeps the two
    /// shallowest, where the layout is; a third kept more of the layout for the same move (docs/applications.md).
    /// </summary>
    [Recipe(WorksOnPicture = true)]
    public static Recipe Restyle(Quality quality = Quality.Normal, int width = 128, int height = 128) => Edit(quality, width, height) with
    {
        Name = "restyle",
        About = "a picture moved toward the style of another picture or a text; its layout stays (`obverse restyle`)",
        Schedule = Schedule.Adam(3e-4).Sweep(width: 1.0, from: 3, frozen: 3).Cosine().Steps(Choose(quality, 120, 160, 240)),
    };
}
