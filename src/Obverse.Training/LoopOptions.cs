using System.Text.Json;
using System.Text.Json.Serialization;

namespace Obverse.Training;

/// <summary>What the trainings have in common; a checkpoint carries it, and goes on only under the same.</summary>
public abstract record LoopOptions
{
    private static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web) { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    public ulong Seed { get; init; } = 7;

    /// <summary>Length of the run in updates; null where <see cref="Minutes"/> says it.</summary>
    public long? Steps { get; init; }
    public double? Minutes { get; init; }
    public int Batch { get; init; } = 32;
    public double Rate { get; init; } = 5e-4;
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Updates in which the rate rises; it then follows half a cosine down to <see cref="Floor"/> of itself.</summary>
    public long Warmup { get; init; } = 100;
    public double Floor { get; init; } = 0.02;

    /// <summary>Gradients longer than this are shortened.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Decay an update of the averaged weights that are the result; 0: the last weights.</summary>
    public double Average { get; init; } = 0.999;
    public int Threads { get; init; } = 1;
    public double CheckpointMinutes { get; init; } = 3;
    public int LogEvery { get; init; } = 20;

    /// <summary>AdamW's; that of a fine-tuning is the library's usual 0.999. No property of the JSON, so older checkpoints go on.</summary>
    internal virtual double Beta2 => 0.99;

    /// <summary>What the rate of a weight is multiplied by.</summary>
    internal virtual double RateOf(string name) => 1;

    public string ToJson() => JsonSerializer.Serialize<object>(this, json);

    /// <summary>What must be equal for a checkpoint to go on: not the length of the run, nor how it is watched.</summary>
    internal LoopOptions Essence => this with { Steps = null, Minutes = null, Threads = 0, CheckpointMinutes = 0, LogEvery = 0 };
}
