using Obverse.Models;

namespace Obverse.Training;

/// <summary>How an autoencoder is trained (AutoencoderKL after Rombach et al. 2022, without their discriminator).</summary>
public sealed record AutoencoderOptions : LoopOptions
{
    public AutoencoderOptions() => (Batch, Rate, Average) = (16, 2e-3, 0.995);

    /// <summary>Side of the pictures in pixels.</summary>
    public int Side { get; init; } = 32;

    /// <summary>Side of the part of each picture that a step sees: without attention an autoencoder is the same at every size, and many parts teach it faster than few whole pictures.</summary>
    public int Crop { get; init; } = 32;
    public int LatentChannels { get; init; } = AutoencoderStart.Components;

    /// <summary>Two levels with that many latent channels begin with an encoder that is computed and not learned (a Haar transform of opponent colours).</summary>
    public bool Analytic { get; init; } = true;

    /// <summary>Channels a level, the finest first; a latent's side is the picture's over 2 ^ (levels - 1).</summary>
    public IReadOnlyList<int> Channels { get; init; } = [16, 32];
    public int LayersPerBlock { get; init; } = 1;

    /// <summary>Of the norms: with several, a flat part of a picture loses its colour in them.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Weight of the divergence from N(0, 1), a latent number's mean.</summary>
    public double DivergenceWeight { get; init; } = 1e-3;

    /// <summary>Weight of the distance between features of a CLIP's image tower, beside the mean absolute difference of pixels; 0: pixels alone.</summary>
    public double PerceptualWeight { get; init; }

    public AutoencoderConfig Config => new() { LatentChannels = LatentChannels, Channels = Channels, LayersPerBlock = LayersPerBlock, Groups = Groups, SampleSize = Side, MiddleAttention = false };
}
