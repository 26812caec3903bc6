using System.Globalization;
using Obverse.Torch;

namespace Obverse;

/// <summary>A part of a run: until <paramref name="Until"/> (of 1) of its steps.</summary>
/// <param name="Side">The grid's side as a share of the full one.</param>
/// <param name="Copies">Share of the views.</param>
public readonly record struct Stage(double Until, double Side, double Copies = 1);

/// <summary>
/// Progressive rendering: while only coarse layers move, a coarser grid says the same, and fewer views may see it. A function of place can be asked anywhere, so nothing is resampled
/// between stages. Steps beyond the last stage are whole. The plain loop is a run without a pace (`--exact`).
/// </summary>
public sealed record Pace(params IReadOnlyList<Stage> Stages)
{
    private const int Block = 8; // sides in whole blocks: what strided convolutions like

    /// <summary>The part that step <paramref name="step"/> of <paramref name="steps"/> belongs to.</summary>
    public Stage At(int step, int steps)
    {
        foreach (var stage in Stages) if (step < stage.Until * steps) return stage;
        return new(1, 1);
    }

    /// <summary>The parts and their shares of a run's steps; what they leave is whole.</summary>
    public IEnumerable<(Stage Stage, double Share)> Parts()
    {
        var begun = 0.0;
        foreach (var stage in Stages.Append(new(1, 1)))
        {
            var until = Math.Min(1, stage.Until);
            if (until > begun) yield return (stage, until - begun);
            begun = Math.Max(begun, until);
        }
    }

    /// <summary>A side of the full picture in a stage, in whole blocks of 8 pixels and at least 32, but never above the full one.</summary>
    public static long Side(long full, double share) => share >= 1 ? full : Math.Min(full, Math.Max(32, (long)Math.Round(full * share / Block) * Block));

    /// <summary>How many views of <paramref name="full"/> a stage has.</summary>
    public static int Views(int full, double share) => Math.Clamp((int)Math.Round(full * share), 1, full);

    public bool Equals(Pace? other) => other is not null && Stages.SequenceEqual(other.Stages);
    public override int GetHashCode() => Stages.Count;
    public override string ToString() => string.Join(", ", Stages.Select(stage => string.Create(CultureInfo.InvariantCulture, $"to {stage.Until:P0} at {stage.Side:0.##} of the side with {stage.Copies:0.##} of the views")));
}
