namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// CLIPDraw (Frans et al. 2022; spec canvases.md 5.1): 256 strokes, three rates of Adam, 4 views on white paper, the sum of their cosines; 1000 steps (`best`). The authors' pictures are 224 px: at another
    /// size points move in proportion. The notebook leaves CLIP's mean and deviation out (<see cref="Recipe.SkipsNormalization"/>).
    /// </summary>
    [Recipe]
    public static Recipe ClipDraw(Quality quality = Quality.Normal, int width = 128, int height = 128)
    {
        var scale = Math.Min(width, height) / 224.0;
        return new()
        {
            Name = "clipdraw",
            About = "CLIPDraw: Bézier strokes on white paper; the drawing is saved as SVG beside the picture",
            Canvas = new Strokes(MaxWidth: Math.Clamp(50 * scale, 1, 1000)),
            Views = Views.Of(4).ClipDraw(Math.Min(224, Math.Min(width, height))),
            Objective = 4 * Objective.Toward(Distance.Similarity),
            Schedule = Schedule.Adam(1).Steps(Choose(quality, 150, 300, 1000))
                .RateOf("points", Ramp.Staged((0, 1 * scale), (0.5, 0.4 * scale), (0.75, 0.1 * scale))).RateOf("widths", 0.1).RateOf("colors", 0.01),
            SkipsNormalization = true,
        };
    }
}
