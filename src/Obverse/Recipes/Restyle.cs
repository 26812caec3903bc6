namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// A picture in the manner of another, or of a text (spec implicit-inversion.md 2.9): as <see cref="Edit"/>, the two shallowest layers, where the layout is, kept, but at a higher rate, whose peak
    /// goes over the deep half only.
    /// </summary>
    public static Recipe Restyle(Quality quality = Quality.Normal, int width = 128, int height = 128) => Edit(quality, width, height) with
    {
        Name = "restyle",
        About = "a picture moved toward the manner of another picture or a text; its layout stays (`obverse restyle`)",
        Schedule = Schedule.Adam(4e-4).Sweep(width: 1.0, from: 3, frozen: 2).Cosine().Steps(Choose(quality, 120, 160, 240)), // of five layers
    };
}
