using System.Text.Json.Serialization;
using Obverse.Torch;

namespace Obverse;

/// <summary>An objective with views of its own, in place of the inversion's: <c>Along("content", "style").Through(Views.Of(64).Patch(128))</c>.</summary>
[Part("through")]
public sealed record Through(Objective Objective, Views Views) : Objective
{
    public override Tensor Evaluate(Scene scene) => Objective.Losses(scene.Through(Views));
    public override Objective Bind(ObjectiveContext context) => this with { Objective = Objective.Bind(context) };

    [JsonIgnore]
    public override IReadOnlyList<Views> OwnViews => [Views, .. Objective.OwnViews];

    [JsonIgnore]
    public override IReadOnlyList<string> NeededWeights => Objective.NeededWeights;

    public override string ToString() => $"{Objective} through {Views}";
}

public static class ThroughExtensions
{
    /// <inheritdoc cref="Obverse.Through"/>
    public static Objective Through(this Objective objective, Views views) => new Through(objective, views);
}
