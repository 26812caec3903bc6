using System.Text.Json;
using System.Text.Json.Serialization;

namespace Obverse.Training;

/// <summary>What an attacked picture must keep.</summary>
public enum RobustObjective
{
    /// <summary>CLIP's contrastive loss between attacked pictures and their captions (CLIPAG, Ganz and Elad 2023).</summary>
    [JsonStringEnumMemberName("clipag")] Clipag,

    /// <summary>The original model's features of the clean picture (FARE, Schlarmann et al. 2024), and its class probabilities, which hold what the training pictures do not show.</summary>
    [JsonStringEnumMemberName("fare")] Fare,

    /// <summary>The sum.</summary>
    [JsonStringEnumMemberName("both")] Both,
}

/// <summary>Everything an adversarial run depends on beside its model and pictures; a checkpoint carries it, and goes on only under the same. Defaults are CLIPAG's where known (spec clipag.md 4.1).</summary>
public sealed record AdversarialOptions
{
    private static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web) { WriteIndented = true, Converters = { new JsonStringEnumConverter<RobustObjective>() } };

    public ulong Seed { get; init; } = 7;

    /// <summary>Length of the run in updates; null where <see cref="Minutes"/> says it.</summary>
    public long? Steps { get; init; }
    public double? Minutes { get; init; }

    /// <summary>Side of the pictures in pixels: train at what you draw at.</summary>
    public int Side { get; init; } = 224;
    public int Batch { get; init; } = 64;

    /// <summary>Batches whose gradients are added up for one update.</summary>
    public int Accumulate { get; init; } = 1;
    public RobustObjective Objective { get; init; } = RobustObjective.Clipag;

    /// <summary>1 - cosine of each pair in place of the contrast over the batch; nothing then pushes captions apart.</summary>
    public bool Pairwise { get; init; }

    /// <summary>Longest perturbation, L2 over pixels in 0 … 1, at 224 px; the length of a picture grows with its side, so <see cref="EpsHere"/> is what is used.</summary>
    public double Eps { get; init; } = 1.5;
    public int AttackSteps { get; init; } = 5;

    /// <summary>Length of an attack's step as a part of eps; null: 2.5 / steps.</summary>
    public double? StepOfEps { get; init; }
    public bool RandomStart { get; init; }

    /// <summary>Parts of the run between which eps rises from nothing to its full length.</summary>
    public double RampFrom { get; init; }
    public double RampTo { get; init; }

    /// <summary>Weight of the relative squared distance to the original features, beside the divergence of class probabilities (zoo.md 8.4).</summary>
    public double DistanceWeight { get; init; } = 0.5;

    /// <summary>Weight of the captions where both objectives are asked for.</summary>
    public double CaptionWeight { get; init; } = 0.2;
    public double Rate { get; init; } = 2e-5;
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>Part of the run in which the rate rises; it then follows half a cosine to zero.</summary>
    public double Warmup { get; init; } = 0.05;

    /// <summary>Decay an update of the averaged weights that are the result; 0: the last weights.</summary>
    public double Average { get; init; }

    /// <summary>Share of the robust weights in the model that is written; the rest are those it began with (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). Between the two lies most of either's good.</summary>
    [JsonIgnore] public double Share { get; init; } = 1;
    public bool BFloat16 { get; init; }
    public int Threads { get; init; } = 1;
    public double CheckpointMinutes { get; init; } = 3;
    public int LogEvery { get; init; } = 20;

    /// <summary>eps at <see cref="Side"/>: <see cref="Eps"/> · side / 224.</summary>
    [JsonIgnore] public double EpsHere => Eps * Side / 224;

    /// <summary>The attack when so much of the run is done.</summary>
    public AttackOptions Attack(double fraction)
    {
        var eps = EpsHere * (RampTo > RampFrom ? Math.Clamp((fraction - RampFrom) / (RampTo - RampFrom), 0, 1) : 1);
        return new() { Eps = eps, Steps = AttackSteps, StepSize = StepOfEps * eps };
    }

    internal double RateAt(double fraction) => Rate * (fraction < Warmup ? (fraction + 1e-4) / Warmup : 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, (fraction - Warmup) / (1 - Warmup)))));

    public string ToJson() => JsonSerializer.Serialize(this, json);

    /// <summary>What must be equal for a checkpoint to go on: not the length of the run, how it is watched, nor what is made of its end.</summary>
    internal AdversarialOptions Essence => this with { Steps = null, Minutes = null, Threads = 0, CheckpointMinutes = 0, LogEvery = 0, Share = 1 };
}
