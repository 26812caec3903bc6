namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// A picture in the manner of another, or of a text (spec implicit-inversion.md 2.9): as <see cref="Edit"/>, but the two shallowest layers, where the layout is, stay, and the peak goes over the deep
    /// half only.
    /// </summary>
    public static Recipe Restyle(Quality quality = Quality.Normal, int width = 128, int height = 128) => Edit(quality, width, height) with
    {
        Name = "restyle",
        About = "a picture moved toward the manner of another picture or a text; its layout stays (`obverse restyle`)",
        Schedule = Edit(quality, width, height).Schedule.Sweep(width: 1.0, from: 2, frozen: 2), // of five layers
    };
}
