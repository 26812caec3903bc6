using System.Text.Json.Serialization;
using Obverse.Torch;

namespace Obverse;

public enum OptimizerKind { Adam, Sgd }

/// <summary>How the base rate changes over a run.</summary>
public enum RateCurve { Constant, Cosine, Step }

/// <summary>
/// The peak of the learning rate wanders from the shallowest layer to the deepest over the run, its neighbours falling off as a Gaussian of
/// <paramref name="Width"/> layers, never below <paramref name="Floor"/> (CLIP^-1; spec implicit-inversion.md 2.3).
/// </summary>
/// <param name="From">Layer at which the peak begins (editing keeps the shallow ones still).</param>
/// <param name="Frozen">So many of the shallowest layers do not move at all: their rate is 0.</param>
public sealed record LayerSweep(double Width = 1, double Floor = 0, double From = 0, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int Frozen = 0);

/// <summary>What moves the canvas: an optimiser, and a rate for every layer at every step.</summary>
public sealed record Schedule
{
    public OptimizerKind Optimizer { get; init; }
    public double Rate { get; init; }
    public int StepCount { get; init; } = 400;
    public RateCurve Curve { get; init; }

    /// <summary>For <see cref="RateCurve.Step"/>: every so many steps the rate is multiplied by <see cref="Factor"/>.</summary>
    public int Every { get; init; } = 100;
    public double Factor { get; init; } = 0.5;
    public LayerSweep? LayerSweep { get; init; }

    /// <summary>Gradients longer than this are scaled to it.</summary>
    public double? ClipNorm { get; init; }

    public static Schedule Adam(double rate) => new() { Optimizer = OptimizerKind.Adam, Rate = rate };
    public static Schedule Sgd(double rate) => new() { Optimizer = OptimizerKind.Sgd, Rate = rate };

    public Schedule Steps(int count) => this with { StepCount = count };
    public Schedule Sweep(double width = 1, double floor = 0, double from = 0, int frozen = 0) => this with { LayerSweep = new(width, floor, from, frozen) };
    public Schedule Cosine() => this with { Curve = RateCurve.Cosine };
    public Schedule StepDown(int every, double factor) => this with { Curve = RateCurve.Step, Every = every, Factor = factor };
    public Schedule Clip(double norm) => this with { ClipNorm = norm };

    public override string ToString() =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Optimizer} {Rate}{Curve switch { RateCurve.Cosine => " falling as a cosine", RateCurve.Step => $" x {Factor} every {Every} steps", _ => "" }}, {StepCount} steps")
        + (LayerSweep is null ? "" : $", {LayerSweep}") + (ClipNorm is null ? "" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $", gradients of at most {ClipNorm}"));

    /// <summary>The rate of layer <paramref name="layer"/> of <paramref name="layers"/> at <paramref name="step"/> (from 0).</summary>
    public double RateAt(int step, int layer, int layers)
    {
        var rate = Rate * Curve switch
        {
            RateCurve.Cosine => LearningRate.WarmupCosine(step, StepCount, 0),
            RateCurve.Step => LearningRate.Step(step, Every, Factor),
            _ => 1,
        };
        if (LayerSweep is not { } sweep) return rate;
        if (layer < sweep.Frozen) return 0;
        var peak = StepCount == 1 ? sweep.From : sweep.From + (layers - 1 - sweep.From) * step / (StepCount - 1);
        return rate * Math.Max(Math.Exp(-(layer - peak) * (layer - peak) / (2 * sweep.Width * sweep.Width)), sweep.Floor);
    }

    /// <summary>The optimiser for a canvas: one group a layer.</summary>
    public Optimizer Create(Canvas canvas)
    {
        IReadOnlyList<ParameterGroup> groups = [.. canvas.Layers.Select(layer => new ParameterGroup(layer.Name, layer.Parameters, Rate))];
        return Optimizer == OptimizerKind.Adam ? new Adam(groups) : new Sgd(groups);
    }
}
