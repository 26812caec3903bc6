using Obverse.Models;

namespace Obverse.Training;

/// <summary>How a VQGAN is trained (Esser et al. 2021 without their discriminator).</summary>
public sealed record VqganOptions : LoopOptions
{
    public VqganOptions() => (Batch, Rate, Warmup, WeightDecay, Average) = (8, 1e-3, 50, 1e-4, 0.995);

    /// <summary>Side of the training pictures in pixels; the network then takes any multiple of its factor.</summary>
    public int Side { get; init; } = 64;

    /// <summary>Channels of each level, the finest first; multiples of the groups. A code stands for a square of 2^(levels - 1) pixels.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [32, 64, 128];

    /// <summary>Residual blocks a level; the decoder has one more.</summary>
    public int Blocks { get; init; } = 1;
    public int Codes { get; init; } = 1024;
    public int CodeWidth { get; init; } = VqganStart.Components;

    /// <summary>Groups of the norms (<see cref="VqganConfig.Groups"/>).</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Weight of the distance of an image tower's features (<see cref="Evaluation.FeatureDistance"/>), beside the mean absolute difference of pixels in -1 … 1.</summary>
    public double FeatureWeight { get; init; } = 0.5;

    /// <summary>Weight of the latents' squared distance to their codes (van den Oord et al. 2017: 0.25).</summary>
    public double CommitmentWeight { get; init; } = 0.25;

    /// <summary>Decay of the running sums that the codebook's rows are means of (van den Oord et al. 2017, appendix A.1).</summary>
    public double CodeDecay { get; init; } = 0.97;

    /// <summary>A code that meets fewer than this share of an even one's latents is put where a random latent lies.</summary>
    public double DeadShare { get; init; } = 0.05;

    public VqganConfig Config => new() { Channels = Widths[0], Widths = Widths, Blocks = Blocks, Attention = [Widths.Count - 1], Latent = Widths[^1], CodeWidth = CodeWidth, Codes = Codes, Groups = Groups };
}
