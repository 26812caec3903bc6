using Obverse.Diffusion;
using Obverse.Files;

namespace Obverse.Jobs;

/// <summary>A reference picture and its weight among several.</summary>
public sealed record SampleReference(StoredFile Picture, [property: Limit(0, 1000)] double Weight = 1)
{
    /// <summary>Of <c>a.jpg</c> or <c>a.jpg:0.5</c>; the picture must be there.</summary>
    /// <exception cref="UsageException">No such picture, or a weight below 0.</exception>
    public static SampleReference Parse(string text)
    {
        var part = Prompt.Picture(text);
        if (!File.Exists(part.Image)) throw new UsageException($"{part.Image}: no such picture; `obverse diffuse` takes a text as the prompt");
        if (part.Weight < 0) throw new UsageException($"{text}: a reference picture's weight is 0 or more");
        _ = Imaging.Picture.Load(part.Image); // an unreadable one fails before anything is loaded
        return new(StoredFile.Of(part.Image), part.Weight);
    }
}

/// <summary>Pictures in the place of a prompt (SD-IPC): what they have in common is converted, and a text may change it.</summary>
public sealed record SampleReferences
{
    [Items(1, 64)]
    public required ValueList<SampleReference> Pictures { get; init; }

    /// <summary>How several become one prompt.</summary>
    public ReferenceShare Share { get; init; }

    /// <summary>The CLIP that sees them, whose text projection is inverted; null: the model's own.</summary>
    public JobModel? Encoder { get; init; }

    /// <summary>What changes them (eq. 8); null: nothing (eq. 7).</summary>
    public string? Edit { get; init; }
    [Limit(-1000, 1000)]
    public double Alpha { get; init; } = 0.9;
    public EditRule EditRule { get; init; }
    public NormRule Norm { get; init; }

    /// <summary>Null: measured, as the mean over captions, or 27.5 and 27 for a text tower of CLIP ViT-L/14's width.</summary>
    [Limit(0, 1e6)]
    public double? Length { get; init; }
    [Limit(0, 1e6)]
    public double Cutoff { get; init; } = PromptConverter.DefaultCutoff;
}
