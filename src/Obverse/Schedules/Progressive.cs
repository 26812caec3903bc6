using System.Globalization;
using Obverse.Torch;

namespace Obverse;

/// <summary>A part of a run with progressive resolution, until <paramref name="Until"/> (of 1) of its steps.</summary>
/// <param name="Until">Share of the run's steps.</param>
/// <param name="Resolution">The rendering's side as a share of the full one.</param>
/// <param name="Views">Share of the augmentations per step.</param>
public readonly record struct Stage(double Until, double Resolution, double Views = 1)
{
    private const int Block = 8; // sides in whole blocks: what strided convolutions like

    /// <summary>Everything whole.</summary>
    public static Stage Whole { get; } = new(1, 1);

    /// <summary>What the canvas says at this stage's resolution.</summary>
    public Tensor Render(Canvas canvas) => Resolution >= 1 ? canvas.Render() : canvas.Render(Side(canvas.Height, Resolution), Side(canvas.Width, Resolution));

    /// <summary>The views of this stage.</summary>
    public Views Of(Views views) => Views >= 1 ? views : views with { Count = Number(views.Count, Views) };

    /// <summary>A side of the full picture at a share of it, in whole blocks of 8 pixels and at least 32, but never above the full one.</summary>
    public static long Side(long full, double share) => share >= 1 ? full : Math.Min(full, Math.Max(32, (long)Math.Round(full * share / Block) * Block));

    /// <summary>How many views of <paramref name="full"/> a share of them is: one at least.</summary>
    public static int Number(int full, double share) => Math.Clamp((int)Math.Round(full * share), 1, full);
}

/// <summary>
/// Progressive resolution: while only coarse layers move, a coarser grid says the same, and fewer views may see it. An INR is a function of place and can be asked anywhere, so nothing is resampled
/// between stages. Steps beyond the last stage are whole. The plain loop is a schedule without it (`--exact`).
/// </summary>
public sealed record Progressive(ValueList<Stage> Stages)
{
    /// <summary>The stage that step <paramref name="step"/> of <paramref name="steps"/> belongs to.</summary>
    public Stage At(int step, int steps)
    {
        foreach (var stage in Stages) if (step < stage.Until * steps) return stage;
        return Stage.Whole;
    }

    /// <summary>The stages and their shares of a run's steps; what they leave is whole.</summary>
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
