namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// CLIPStyler (Kwon and Ye 2022; spec canvases.md 5.8): a network redraws the start picture; patches of a quarter of the side and the whole picture move along the direction from "a Photo" to the
    /// prompt, its content stays. Published numbers: 64 patches of 128 in 512 px, 201 iterations of Adam 5e-4 that halve every 100, weights 9000, 500, 150 and 2e-3 (`best`).
    /// </summary>
    [Recipe(WorksOnPicture = true)]
    public static Recipe Styler(Quality quality = Quality.Normal, int width = 128, int height = 128)
    {
        var side = Math.Min(width, height);
        var seen = Math.Min(224, side);
        var patches = Views.Of(Choose(quality, 16, 32, 64)).ClipStyler(Math.Max(8, side / 4), seen);
        var along = new Along("source", Targets.Prompt, Targets.Start);
        return new()
        {
            Name = "styler",
            About = "CLIPStyler: a network redraws the start picture in the style of the prompt (`obverse invert \"a sketch\" --recipe styler --start photo.jpg`)",
            Canvas = new StyledPicture(),
            Views = Views.Plain.Resize(seen, Torch.Interpolation.Bicubic, antialias: false),
            Objective = 9000 * ((Objective)(along with { Below = 0.7 })).Through(patches) + 500 * (Objective)along + 150 * (Objective)new Content() + 2e-3 * (Objective)new NeighbourNorm { IsWhole = true },
            Schedule = Schedule.Adam(5e-4) with { StepCount = Choose(quality, 60, 100, 201), Curve = new StepRamp(1, 100, 0.5) { Ahead = 1 } },
            Texts = [new("source", "a Photo")],
            UsesTemplates = true,
            ShowsLastSeen = true,
        };
    }
}
