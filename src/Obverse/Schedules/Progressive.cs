using System.Globalization;
using Obverse.Torch;

namespace Obverse;

/// <summary>A stage of progressive resolution, until the fraction <paramref name="Until"/> of the steps.</summary>
/// <param name="Until">Fraction of the steps after which it ends.</param>
/// <param name="Resolution">The rendering's side as a share of the full one.</param>
/// <param name="Views">Share of the augmentations per step.</param>
public readonly record struct Stage([property: Limit(0, 1)] double Until, [property: Limit(0, 1)] double Resolution, [property: Limit(0, 1)] double Views = 1)
{
    private const int Block = 8; // sides are multiples of 8, as strided convolutions want them

    /// <summary>Full resolution, all views.</summary>
    public static Stage Whole { get; } = new(1, 1);

    /// <summary>The canvas rendered at this stage's resolution.</summary>
    public Tensor Render(Canvas canvas) => Resolution >= 1 ? canvas.Render() : canvas.Render(Side(canvas.Height, Resolution), Side(canvas.Width, Resolution));

    /// <summary>The views of this stage.</summary>
    public Views Of(Views views) => Views >= 1 ? views : views with { Count = Number(views.Count, Views) };

    /// <summary>A share of the full side, as a multiple of 8 and at least 32, but never above the full side.</summary>
    public static long Side(long full, double share) => share >= 1 ? full : Math.Min(full, Math.Max(32, (long)Math.Round(full * share / Block) * Block));

    /// <summary>A share of <paramref name="full"/> views, at least one.</summary>
    public static int Number(int full, double share) => Math.Clamp((int)Math.Round(full * share), 1, full);
}

/// <summary>
/// Progressive resolution: while only the shallow layers move, low resolution and fewer views suffice. An INR is a function of position and can be evaluated on any grid, so nothing is resampled
/// between stages. Steps after the last stage have full resolution. The plain loop is a schedule without it (`--exact`).
/// </summary>
public sealed record Progressive(ValueList<Stage> Stages)
{
    /// <summary>The stage that step <paramref name="step"/> of <paramref name="steps"/> belongs to.</summary>
    public Stage At(int step, int steps)
    {
        foreach (var stage in Stages) if (step < stage.Until * steps) return stage;
        return Stage.Whole;
    }

    /// <summary>The stages and their shares of the steps; the rest has full resolution.</summary>
    public IEnumerable<(Stage Stage, double Share)> Shares()
    {
        var before = 0.0;
        foreach (var stage in Stages.Append(Stage.Whole))
        {
            var until = Math.Min(1, stage.Until);
            if (until > before) yield return (stage, until - before);
            before = Math.Max(before, until);
        }
    }

    public override string ToString() => string.Join(", ", Stages.Select(stage => string.Create(CultureInfo.InvariantCulture, $"to {stage.Until:P0} of the steps at {stage.Resolution:0.##} of the side with {stage.Views:0.##} of the views")));
}
