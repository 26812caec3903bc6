using System.Text.Json.Serialization;
using Obverse.Torch;

namespace Obverse;

/// <summary>What is minimised. Objectives add and scale: <c>Objective.Toward() + 0.005 * Objective.TotalVariation()</c>.</summary>
[Parts("is")]
public abstract partial record Objective
{
    /// <summary>Nothing: the needs of a part are no numbers of it.</summary>
    protected virtual bool PrintMembers(System.Text.StringBuilder builder) => false;

    /// <summary>One loss per picture: [count].</summary>
    public abstract Tensor Evaluate(Scene scene);

    /// <summary>The same, held against the contract.</summary>
    /// <exception cref="InvalidOperationException">Not a loss per picture.</exception>
    internal Tensor Losses(Scene scene)
    {
        var (losses, count) = (Evaluate(scene), scene.Image.Size(0));
        if (losses is { Dims: 0 } && count == 1) losses = losses.Reshape(1);
        return losses is { Dims: 1 } && losses.Size(0) == count ? losses : throw new InvalidOperationException($"{GetType().Name}.Evaluate gave {(losses is null ? "null" : $"[{string.Join(", ", losses.Shape)}]")}; a loss per picture, [{count}], was wanted");
    }

    /// <summary>The same objective with what it needs before the first step: networks, features of the start picture. Most need nothing.</summary>
    public virtual Objective Bind(ObjectiveContext context) => this;

    /// <summary>Files of weights that it needs (paths, or names of the zoo); a job stores each with its hash.</summary>
    [JsonIgnore]
    public virtual IReadOnlyList<string> NeededWeights => [];

    /// <summary>Views of its own (<see cref="Through"/>), which a step computes beside the inversion's.</summary>
    [JsonIgnore]
    public virtual IReadOnlyList<Views> OwnViews => [];

    public static Objective operator +(Objective a, Objective b) => new WeightedSum([(1, a), (1, b)]);
    public static Objective operator *(double weight, Objective a) => new WeightedSum([(weight, a)]);

    /// <summary>With a weight that changes over the steps.</summary>
    public static Objective operator *(Ramp weight, Objective a) => new RampedObjective(weight, a);
}

public readonly record struct Term(double Weight, Objective Objective)
{
    public static implicit operator Term((double Weight, Objective Objective) pair) => new(pair.Weight, pair.Objective);
}

/// <summary>Terms with weights; sums of sums are one sum.</summary>
[Part("sum")]
public sealed record WeightedSum : Objective
{
    public WeightedSum(ValueList<Term> terms) =>
        Terms = [.. (terms ?? throw new ArgumentException("the terms of a sum are null")).SelectMany(term => term.Objective is WeightedSum inner ? inner.Terms.Select(t => new Term(term.Weight * t.Weight, t.Objective)) : [term])];

    [Items(1, 16)]
    public ValueList<Term> Terms { get; }

    public override Tensor Evaluate(Scene scene)
    {
        var total = Terms[0].Objective.Losses(scene) * Terms[0].Weight;
        foreach (var (weight, objective) in Terms.Skip(1)) total = total + objective.Losses(scene) * weight;
        return total;
    }

    public override Objective Bind(ObjectiveContext context) => new WeightedSum([.. Terms.Select(term => new Term(term.Weight, term.Objective.Bind(context)))]);

    [JsonIgnore]
    public override IReadOnlyList<string> NeededWeights => [.. Terms.SelectMany(term => term.Objective.NeededWeights)];

    [JsonIgnore]
    public override IReadOnlyList<Views> OwnViews => [.. Terms.SelectMany(term => term.Objective.OwnViews)];

    public override string ToString() => string.Join(" + ", Terms.Select(t => t.Weight == 1 ? t.Objective.ToString() : FormattableString.Invariant($"{t.Weight} * {t.Objective}")));
}

/// <summary>An objective whose weight changes over the steps.</summary>
[Part("ramped")]
public sealed record RampedObjective(Ramp Weight, Objective Objective) : Objective
{
    public override Tensor Evaluate(Scene scene) => Objective.Losses(scene) * Weight.At(scene.Step, scene.Steps);
    public override Objective Bind(ObjectiveContext context) => this with { Objective = Objective.Bind(context) };

    [JsonIgnore]
    public override IReadOnlyList<string> NeededWeights => Objective.NeededWeights;

    [JsonIgnore]
    public override IReadOnlyList<Views> OwnViews => Objective.OwnViews;

    public override string ToString() => $"({Weight}) * {Objective}";
}
