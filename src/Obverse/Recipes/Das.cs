namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// Direct Ascent Synthesis as its demo has it (Fort and Whitaker 2025; spec pixel-baselines.md 3.2): every whole resolution of a canvas with a margin of a quarter, SGD 0.2,
    /// 100 steps, 32 views jittered by whole pixels, uniform noise of 0.2. `draft` takes fewer steps and views.
    /// </summary>
    [Recipe]
    public static Recipe Das(Quality quality = Quality.Normal, int width = 128, int height = 128) => new()
    {
        Name = "das",
        About = "Direct Ascent Synthesis as published: every resolution at once, SGD, jitter and noise",
        Canvas = new Pyramid(Levels: 0, Margin: 0.25, Closed: true),
        Views = Views.Of(Choose(quality, 8, 32, 32)).Roll(Math.Min(height, width) / 4).Trim(height / 4, width / 4).UniformNoise(0.2).Clip(),
        Objective = Objective.Toward(Distance.Similarity),
        Schedule = Schedule.Sgd(0.2).Steps(Choose(quality, 40, 100, 200)),
        ShowsLastSeen = true,
    };

    /// <summary>DAS with the gradients of several encoders added. With one model the members are the same encoder at several input sides.</summary>
    [Recipe]
    public static Recipe DasEnsemble(Quality quality = Quality.Normal, int width = 128, int height = 128) => Das(quality, width, height) with
    {
        Name = "das-ensemble",
        About = "Direct Ascent Synthesis with an ensemble: one encoder at three input sides, or several models",
        Sides = [96, 128, 160],
    };
}
