using System.Text.Json.Serialization;
using Obverse.Torch;

namespace Obverse;

/// <summary>A number that changes over the steps: a rate, the weight of an objective.</summary>
[Parts("is")]
public abstract record Ramp
{
    /// <summary>The number at <paramref name="step"/> (from 0) of <paramref name="steps"/>.</summary>
    public abstract double At(int step, int steps);

    public static Ramp Constant(double value) => new ConstantRamp(value);

    /// <summary>Linear from the first step's number to the last step's.</summary>
    public static Ramp Linear(double from, double to) => new LinearRamp(from, to);

    /// <summary>From one number to another along half a cosine.</summary>
    public static Ramp Cosine(double from = 1, double to = 0) => new CosineRamp(from, to);

    /// <summary>Each number from its fraction of the steps on: <c>Ramp.Staged((0, 1), (0.5, 0.4))</c>.</summary>
    public static Ramp Staged(params ReadOnlySpan<(double From, double Value)> stages)
    {
        var all = new RampStage[stages.Length];
        for (var i = 0; i < all.Length; i++) all[i] = new(stages[i].From, stages[i].Value);
        return new StagedRamp([.. all]);
    }

    /// <summary>Multiplied by <paramref name="factor"/> after every <paramref name="every"/> steps.</summary>
    public static Ramp StepDown(double from, int every, double factor) => new StepRamp(from, every, factor);
}

[Part("constant")]
public sealed record ConstantRamp(double Value) : Ramp
{
    public override double At(int step, int steps) => Value;
    public override string ToString() => FormattableString.Invariant($"{Value}");
}

[Part("linear")]
public sealed record LinearRamp(double From, double To) : Ramp
{
    public override double At(int step, int steps) => steps < 2 ? From : From + (To - From) * step / (steps - 1);
    public override string ToString() => FormattableString.Invariant($"{From} to {To}");
}

[Part("cosine")]
public sealed record CosineRamp(double From, double To) : Ramp
{
    public override double At(int step, int steps) => To + (From - To) * LearningRate.WarmupCosine(step, steps, 0);
    public override string ToString() => FormattableString.Invariant($"{From} to {To} as a cosine");
}

[Part("step")]
public sealed record StepRamp(double From, [property: Limit(1, 1_000_000)] int Every, double Factor) : Ramp
{
    /// <summary>Every change comes N steps earlier: 1 where an authors' loop moves its scheduler at the start of a step.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Ahead { get; init; }

    public override double At(int step, int steps) => From * LearningRate.Step(step + Ahead, Every, Factor);
    public override string ToString() => FormattableString.Invariant($"{From} x {Factor} every {Every} steps");
}
