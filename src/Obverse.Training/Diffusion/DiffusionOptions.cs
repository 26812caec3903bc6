using Obverse.Models;

namespace Obverse.Training;

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

    /// <summary>Of each name only so many photographs, and as many drawings, whose copies through the autoencoder the CLIP recognises best; 0: all.</summary>
    public int BestRecognised { get; init; }

    /// <summary>
    /// Share of a batch whose prompt is the picture itself, converted as SD-IPC does it (eq. 7), in place of a caption; those are drawn from all pictures, not only from the best
    /// recognised. Stable Diffusion needs none of it; a model that has learned a few hundred sentences takes no picture for one.
    /// </summary>
    public double PicturePrompts { get; init; }

    /// <summary>Of a converted picture's vector: the mean length of a prompt's end token.</summary>
    public double PictureLength { get; init; } = 27.5;

    /// <summary>A folder of another UNet of the same shape, whose weights are the start; null: random ones.</summary>
    public string? Start { get; init; }

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
