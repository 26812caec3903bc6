using System.Globalization;
using System.Text.Json.Serialization;
using Obverse.Torch;

namespace Obverse;

public enum OptimizerKind { Adam, Sgd, AdamW }

/// <summary>What moves the canvas: an optimiser, and a rate for every parameter group at every step.</summary>
public sealed record Schedule
{
    public OptimizerKind Optimizer { get; init; }
    [Limit(0, 1e6)]
    public double Rate { get; init; }
    [Limit(1, 1_000_000)]
    public int StepCount { get; init; } = 400;

    /// <summary>Factor of the rate over the steps; null: constant.</summary>
    public Ramp? Curve { get; init; }
    public LayerSweep? LayerSweep { get; init; }

    /// <summary>Rates of single parameter groups by name, in place of rate, curve and sweep; null: none.</summary>
    [Items(0, 8192)]
    public IReadOnlyDictionary<string, Ramp>? Rates { get; init; }

    /// <summary>Gradients are clipped to this norm.</summary>
    [Limit(0, 1e9)]
    public double? ClipNorm { get; init; }

    /// <summary>Weight decay, decoupled with AdamW: every step multiplies the parameters by 1 - rate · this.</summary>
    [Limit(0, 1e3), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double WeightDecay { get; init; }

    /// <summary>Early steps at lower resolution with fewer views; null: every step at full resolution (`--exact`).</summary>
    public Progressive? Progressive { get; init; }

    public static Schedule Adam(double rate) => new() { Optimizer = OptimizerKind.Adam, Rate = Checked(rate) };

    /// <summary>Adam with decoupled weight decay; PyTorch's default decay is 0.01.</summary>
    public static Schedule AdamW(double rate, double decay = 0.01) => new() { Optimizer = OptimizerKind.AdamW, Rate = Checked(rate), WeightDecay = decay };
    public static Schedule Sgd(double rate) => new() { Optimizer = OptimizerKind.Sgd, Rate = Checked(rate) };

    private static double Checked(double rate) => double.IsFinite(rate) && rate >= 0 ? rate : throw new ArgumentOutOfRangeException(nameof(rate), rate, "Schedule: a rate of 0 or more was wanted");

    public Schedule Steps(int count) => this with { StepCount = count > 0 ? count : throw new ArgumentOutOfRangeException(nameof(count), count, "Schedule.Steps: at least one step was wanted") };
    public Schedule Sweep(double width = 1, double floor = 0, double from = 0, int frozen = 0) => this with { LayerSweep = new(width, floor, from, frozen) };
    public Schedule Cosine() => this with { Curve = Ramp.Cosine() };
    public Schedule StepDown(int every, double factor) => this with { Curve = Ramp.StepDown(1, every, factor) };
    public Schedule Clip(double norm) => this with { ClipNorm = norm };
    public Schedule Stages(params ReadOnlySpan<Stage> stages) => this with { Progressive = new([.. stages]) };

    /// <summary>The rate of one parameter group, by its name (<see cref="Canvas.Groups"/>).</summary>
    public Schedule RateOf(string group, Ramp ramp) => this with { Rates = new Dictionary<string, Ramp>(Rates ?? new Dictionary<string, Ramp>()) { [group] = ramp } };

    /// <inheritdoc cref="RateOf(string, Ramp)"/>
    public Schedule RateOf(string group, double rate) => RateOf(group, Ramp.Constant(rate));

    /// <summary>The rate of the group <paramref name="name"/>, the <paramref name="layer"/>-th of <paramref name="layers"/>, at <paramref name="step"/> (from 0).</summary>
    public double RateAt(int step, string name, int layer, int layers)
    {
        if (Rates is not null && Rates.TryGetValue(name, out var own)) return own.At(step, StepCount);
        var rate = Curve is null ? Rate : Rate * Curve.At(step, StepCount);
        return LayerSweep is null ? rate : rate * LayerSweep.At(step, StepCount, layer, layers);
    }

    /// <summary>The resolution and the share of views that step <paramref name="step"/> has.</summary>
    public Stage StageAt(int step) => Progressive?.At(step, StepCount) ?? Stage.Whole;

    /// <summary>The optimiser for a canvas.</summary>
    /// <exception cref="ArgumentException">A rate for a group that the canvas does not have.</exception>
    public Optimizer Create(Canvas canvas)
    {
        IReadOnlyList<ParameterGroup> groups = [.. canvas.Groups.Select(group => new ParameterGroup(group.Name, group.Parameters, Rate) { WeightDecay = WeightDecay })];
        if (Rates?.Keys.FirstOrDefault(name => groups.All(group => group.Name != name)) is { } unknown) throw new ArgumentException($"the schedule has a rate for '{unknown}'; the canvas's parameter groups are {string.Join(", ", groups.Select(group => group.Name))}");
        return Optimizer == OptimizerKind.Sgd ? new Sgd(groups) : new Adam(groups, decoupled: Optimizer == OptimizerKind.AdamW);
    }

    /// <summary>Sets every group's rate for a step.</summary>
    public void Apply(Optimizer optimizer, int step)
    {
        var groups = optimizer.Groups;
        for (var layer = 0; layer < groups.Count; layer++) groups[layer].Rate = RateAt(step, groups[layer].Name, layer, groups.Count);
    }

    public bool Equals(Schedule? other) => other is not null && PartJson.Write(this) == PartJson.Write(other);
    public override int GetHashCode() => HashCode.Combine(Optimizer, Rate, StepCount);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Optimizer} {Rate}{(WeightDecay == 0 ? "" : FormattableString.Invariant($" with weight decay {WeightDecay}"))}")
        + (Curve is null ? "" : $" times {Curve}") + $", {StepCount} steps" + (LayerSweep is null ? "" : $", {LayerSweep}")
        + (Rates is null ? "" : string.Concat(Rates.Select(rate => $", {rate.Key} at {rate.Value}"))) + (ClipNorm is null ? "" : string.Create(CultureInfo.InvariantCulture, $", gradients of at most {ClipNorm}"));
}
