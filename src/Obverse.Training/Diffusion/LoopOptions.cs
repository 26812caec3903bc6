using System.Text.Json;
using System.Text.Json.Serialization;
using Obverse.Models;

namespace Obverse.Training;

/// <summary>What the trainings of autoencoder and UNet have in common; a checkpoint carries it, and goes on only under the same.</summary>
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

/// <summary>How a UNet is trained to denoise latents beside the text rows of captions.</summary>
public sealed record DiffusionOptions : LoopOptions
{
    public DiffusionOptions() => Rate = 1e-3;

    /// <summary>Channels a level, the finest first.</summary>
    public IReadOnlyList<int> Channels { get; init; } = [32, 64, 128];

    /// <summary>Levels with transformers.</summary>
    public IReadOnlyList<bool> Attention { get; init; } = [false, true, true];
    public int LayersPerBlock { get; init; } = 1;

    /// <summary>Channels of a head of attention.</summary>
    public int HeadWidth { get; init; } = 32;
    public int Groups { get; init; } = 16;
    public Prediction Prediction { get; init; } = Prediction.Velocity;
    public BetaSchedule Betas { get; init; } = BetaSchedule.ScaledLinear;

    /// <summary>Share of the captions that are left out, so that guidance has something to guide away from (Ho and Salimans 2022).</summary>
    public double CaptionDropout { get; init; } = 0.1;

    /// <summary>
    /// Where the loss stops to grow with the signal-to-noise ratio of a time (min-SNR, Hang et al. 2023); 0: all times count alike. Of a predicted velocity the ratio with one
    /// added is held against it, so that the noisiest times, which decide what a picture shows, keep their weight.
    /// </summary>
    public double MinSnr { get; init; } = 5;

    /// <summary>Share of drawings in a batch; the rest are photographs.</summary>
    public double Drawings { get; init; } = 0.7;

    /// <summary>Views of each drawing, each on a ground of its own; of a photograph there is one.</summary>
    public int DrawingViews { get; init; } = 4;
    public int PhotosPerClass { get; init; } = 50;

    /// <summary>Only pictures whose names are among ImageNet's 1,000: a small budget then goes to things that a judge knows.</summary>
    public bool ImageNetNames { get; init; }

    /// <summary>Rows of a caption that the UNet sees; longer ones are cut.</summary>
    public int Rows { get; init; } = 24;

    internal NoiseSchedule Schedule => NoiseSchedule.StableDiffusion1 with { Betas = Betas, Prediction = Prediction, Sampler = "DDIMScheduler" };

    internal UNetConfig Config(int latentChannels, int latentSide, int contextWidth) => new()
    {
        InChannels = latentChannels, OutChannels = latentChannels, SampleSize = latentSide, Channels = Channels, Attention = Attention, LayersPerBlock = LayersPerBlock, ContextWidth = contextWidth,
        Heads = [.. Channels.Select(width => Math.Max(1, width / HeadWidth))], Groups = Groups,
    };
}
