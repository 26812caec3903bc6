using System.Text.Json;
using Obverse.Models;

namespace Obverse.Training;

/// <summary>How a VQGAN is trained (Esser et al. 2021 without their discriminator); a checkpoint carries it, and goes on only under the same.</summary>
public sealed record VqganOptions
{
    private static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public ulong Seed { get; init; } = 7;

    /// <summary>Length of the run in updates; null where <see cref="Minutes"/> says it.</summary>
    public long? Steps { get; init; }

    /// <summary>Length in minutes of work, interruptions not counted; the rate follows it.</summary>
    public double? Minutes { get; init; }

    /// <summary>Side of the training pictures in pixels; the network then takes any multiple of its factor.</summary>
    public int Side { get; init; } = 64;
    public int Batch { get; init; } = 8;

    /// <summary>Channels of each level, the finest first; multiples of 32. A code stands for a square of 2^(levels - 1) pixels.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [32, 32, 64, 128];

    /// <summary>Residual blocks a level; the decoder has one more.</summary>
    public int Blocks { get; init; } = 1;
    public int Codes { get; init; } = 512;
    public int CodeWidth { get; init; } = 32;

    public double Rate { get; init; } = 1e-3;
    public long Warmup { get; init; } = 50;
    public double WeightDecay { get; init; } = 1e-4;
    public double ClipNorm { get; init; } = 1;

    /// <summary>Decay an update of the averaged weights that are the result; 0: the last ones.</summary>
    public double Average { get; init; } = 0.995;

    /// <summary>Weight of the distance of an image tower's features (<see cref="Evaluation.FeatureDistance"/>), beside the mean absolute difference of pixels in -1 … 1.</summary>
    public double FeatureWeight { get; init; } = 0.5;

    /// <summary>Weight of the latents' squared distance to their codes (van den Oord et al. 2017: 0.25).</summary>
    public double CommitmentWeight { get; init; } = 0.25;

    /// <summary>Decay of the running sums that the codebook's rows are means of (van den Oord et al. 2017, appendix A.1).</summary>
    public double CodeDecay { get; init; } = 0.97;

    /// <summary>A code that meets fewer than this share of an even one's latents is put where a random latent lies.</summary>
    public double DeadShare { get; init; } = 0.05;
    public int Threads { get; init; } = 1;
    public double CheckpointMinutes { get; init; } = 3;
    public int LogEvery { get; init; } = 20;

    public VqganConfig Config => new() { Channels = Widths[0], Widths = Widths, Blocks = Blocks, Attention = [Widths.Count - 1], Latent = Widths[^1], CodeWidth = CodeWidth, Codes = Codes };

    public string ToJson() => JsonSerializer.Serialize(this, json);

    /// <summary>What must be equal for a checkpoint to go on: not the length of the run, nor how it is watched.</summary>
    internal VqganOptions Essence => this with { Steps = null, Minutes = null, Threads = 0, CheckpointMinutes = 0, LogEvery = 0 };
}
