using Obverse.Diffusion;
using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Jobs;

/// <summary>A picture that a sample begins with (image to image), and by how much it is to change.</summary>
/// <param name="Picture">Stretched to the sample's size.</param>
/// <param name="Strength">Above 0, at most 1: the share of the steps that are taken.</param>
public sealed record SampleStart(StoredFile Picture, [property: Limit(0, 1)] double Strength);

/// <summary>Pictures in the place of a prompt (SD-IPC): their mean on the sphere is converted, and a text may change it.</summary>
public sealed record SampleReferences
{
    [Items(1, 64)]
    public required ValueList<StoredFile> Pictures { get; init; }

    /// <summary>The CLIP that sees them, whose text tower gives the rows; null: the model's own.</summary>
    public string? Clip { get; init; }

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

/// <summary>A job that draws one picture by Stable Diffusion: model, prompt or reference pictures, sampler, steps, guidance, seed, size.</summary>
[Part("sample")]
public sealed record SampleJob : Job
{
    /// <summary>A folder in diffusers' layout or a name of the zoo, with the hash of the UNet's weights.</summary>
    public required JobModel Model { get; init; }

    /// <summary>The text; empty beside <see cref="References"/>.</summary>
    public required string Prompt { get; init; }
    public string Negative { get; init; } = "";
    public SampleReferences? References { get; init; }

    /// <summary>What the model is changed by; null: nothing.</summary>
    public SampleTuning? Tuning { get; init; }

    /// <summary>One of <see cref="Sampler.Names"/>.</summary>
    public string Sampler { get; init; } = "dpm++2m";
    [Limit(1, 1000)]
    public int Steps { get; init; } = 20;
    [Limit(0, 1000)]
    public double Guidance { get; init; } = 7.5;

    /// <summary>Multiples of the autoencoder's stride.</summary>
    [Limit(PictureSize.Least, PictureSize.Most)]
    public required int Width { get; init; }
    [Limit(PictureSize.Least, PictureSize.Most)]
    public required int Height { get; init; }
    public ulong Seed { get; init; }
    public SampleStart? Start { get; init; }

    public override IAsyncEnumerable<JobEvent> Run(Workshop? workshop = null, Outputs? outputs = null, CancellationToken cancellation = default) => SampleRun.Events(this, workshop, outputs, cancellation);

    /// <summary>Runs it and returns the result.</summary>
    public SampleFinished Finish(Workshop? workshop = null, Outputs? outputs = null, CancellationToken cancellation = default) => SampleRun.Steps(this, workshop, outputs, cancellation).OfType<SampleFinished>().Last();

    /// <summary>What it draws, for a title.</summary>
    internal string Title => References is { } references ? $"{string.Join(" + ", references.Pictures.Select(picture => Path.GetFileName(picture.Path)))}{(references.Edit is { } edit ? $" | {edit}" : "")}" : Prompt;
}

/// <summary>The last event of a sample. Its file is saved.</summary>
public sealed record SampleFinished(SampleJob Job, Picture Picture, double Seconds, string? File) : JobEvent;
