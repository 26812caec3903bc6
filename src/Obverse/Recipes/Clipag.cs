namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// CLIPAG's generator-free synthesis (Ganz and Elad 2023), exactly the authors' notebook (spec clipag.md 4.2): the start is the nearest of 1000 samples of Gaussians; 32 whole views and 32 patches of
    /// 128 in 224 pixels, noise, DiffAugment; the gradient brought to length 0.001, AdamW, the dynamic threshold; the best step's picture is shown. What the notebook does by mistake is a switch that
    /// is on by default: <see cref="GaussianStart.PerClass"/>, <see cref="GaussianStart.Normalizes"/>, <see cref="NoiseView.IsShared"/> of the patches, <see cref="ThresholdedPixels.Truncates"/>,
    /// <see cref="Recipe.ShowsBest"/>. `draft` takes 4 views, 200 samples and 120 steps (docs/clipag.md).
    /// </summary>
    [Recipe]
    public static Recipe Clipag(Quality quality = Quality.Normal, int width = 128, int height = 128)
    {
        var side = Math.Min(width, height);
        var views = Choose(quality, 4, 32, 32);
        var patches = Views.Of(views).Noise(0.01, shared: true).Patch(Math.Max(1, (int)Math.Round(side * 128 / 224.0)), side).Clip().DiffAugment();
        return new()
        {
            Name = "clipag",
            About = "CLIPAG's generator-free synthesis as published: pixels, patches, a start chosen from Gaussians",
            Canvas = new ThresholdedPixels(),
            Start = new GaussianStart(Samples: Choose(quality, 200, 1000, 1000), PerClass: Choose(quality, 10, 50, 50)),
            Views = Views.Of(views).Noise(0.01).DiffAugment(),
            Objective = Objective.Toward() + 5 * Objective.Toward().Through(patches),
            Schedule = Schedule.AdamW(0.0175).Clip(0.001).Steps(Choose(quality, 120, 100, 200)),
            ShowsBest = true,
        };
    }
}
