namespace Obverse;

/// <summary>From the fraction <paramref name="From"/> of the steps on, this number.</summary>
public readonly record struct RampStage([property: Limit(0, 1)] double From, double Value);

/// <summary>A number that holds until the next stage: CLIPDraw's rate of points is 1, from half of the steps 0.4, from three quarters 0.1.</summary>
[Part("staged")]
public sealed record StagedRamp([property: Items(1, 64)] ValueList<RampStage> Stages) : Ramp
{
    public override double At(int step, int steps)
    {
        var value = Stages[0].Value;
        foreach (var stage in Stages) if (step >= stage.From * steps) value = stage.Value;
        return value;
    }

    public override string ToString() => string.Join(", ", Stages.Select(stage => FormattableString.Invariant($"{stage.Value} from {stage.From:P0}")));
}
