using Obverse.Torch;

namespace Obverse.Models;

/// <summary>Three numbers for red, green and blue.</summary>
public readonly record struct Rgb(double R, double G, double B)
{
    public static Rgb ClipMean => new(0.48145466, 0.4578275, 0.40821073);
    public static Rgb ClipStd => new(0.26862954, 0.26130258, 0.27577711);

    /// <summary>[1, 3, 1, 1], to compute with pictures.</summary>
    public Tensor AsTensor(Device? device = null)
    {
        var tensor = Tensor.From([(float)R, (float)G, (float)B], 1, 3, 1, 1);
        return device is { Type: not DeviceType.Cpu } d ? tensor.To(d) : tensor;
    }
}

/// <summary>The text tower.</summary>
public sealed record TextConfig
{
    public int ContextLength { get; init; } = 77;
    public int VocabularySize { get; init; } = 49408;

    /// <summary>Its tokenizer is <see cref="TokenizerFlavour.TakesSingulars"/>: a key of our own, takes_singulars.</summary>
    public bool TakesSingulars { get; init; }
    public int Width { get; init; } = 512;
    public int Heads { get; init; } = 8;
    public int Layers { get; init; } = 12;
    public int MlpWidth { get; init; } = 2048;
    public Activation Activation { get; init; } = Activation.Gelu;

    /// <summary>Of every LayerNorm.</summary>
    public double Epsilon { get; init; } = 1e-5;

    /// <summary>Read the text at the first of this id; null: at the first largest id.</summary>
    public int? EndId { get; init; }

    /// <summary>D, the shared space; null where there is no projection (Stable Diffusion's text encoder).</summary>
    public int? EmbedDim { get; init; }

    internal TransformerShape Shape => new(Width, Layers, Heads, MlpWidth, Activation, Epsilon);
}

/// <summary>Blocks in each of a ResNet's four stages.</summary>
public readonly record struct ResNetStages(int First, int Second, int Third, int Fourth)
{
    public int[] AsArray() => [First, Second, Third, Fourth];
}

/// <summary>
/// The image tower: a vision transformer; or, where <see cref="Stages"/> are given, CLIP's ResNet (sizes, width, heads of its pool and D count then);
/// or, where <see cref="TimmName"/> is given, a network of timm (only the sizes, bias and D count).
/// </summary>
public sealed record VisionConfig
{
    public int ImageSize { get; init; } = 224;
    public int PatchSize { get; init; } = 16;
    public int Width { get; init; } = 768;
    public int Heads { get; init; } = 12;
    public int Layers { get; init; } = 12;
    public int MlpWidth { get; init; } = 3072;
    public Activation Activation { get; init; } = Activation.Gelu;

    /// <summary>Of every LayerNorm.</summary>
    public double Epsilon { get; init; } = 1e-5;

    /// <summary>D, the shared space.</summary>
    public int EmbedDim { get; init; } = 512;

    /// <summary>Of CLIP's ResNet; null for every other tower.</summary>
    public ResNetStages? Stages { get; init; }

    /// <summary>"tf_efficientnet_lite0" …; null for CLIP's own towers.</summary>
    public string? TimmName { get; init; }
    public bool TimmProjectionBias { get; init; }

    /// <summary>Sides of pictures are multiples of this.</summary>
    public int SideStep => TimmName is not null ? 1 : Stages is not null ? ModifiedResNet.Stride : PatchSize;

    internal TransformerShape Shape => new(Width, Layers, Heads, MlpWidth, Activation, Epsilon);
}

/// <summary>
/// What a CLIP checkpoint is: the shapes of both towers, the activation and the normalisation of pictures, which are the checkpoint's and not the
/// architecture's. Read from open_clip's or transformers' JSON, or from the shapes of OpenAI's tensors.
/// </summary>
public sealed partial record ClipConfig
{
    public required VisionConfig Vision { get; init; }
    public required TextConfig Text { get; init; }
    public Rgb Mean { get; init; } = Rgb.ClipMean;
    public Rgb Std { get; init; } = Rgb.ClipStd;

    /// <summary>Where the configuration came from: it decides how pictures are cropped (spec clip.md 1.5).</summary>
    public ClipOrigin Origin { get; init; }

    /// <summary>The folder beside this one whose text tower, temperature and tokenizer belong to this model too: the weights here are the picture side's only. Our own key, `text_of`; open_clip has none.</summary>
    public string? TextOf { get; init; }

    public int EmbedDim => Vision.EmbedDim;
}

/// <summary>The library a checkpoint's configuration is written for.</summary>
public enum ClipOrigin { OpenClip, OpenAI, HuggingFace }
