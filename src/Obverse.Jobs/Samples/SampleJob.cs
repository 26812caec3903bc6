using System.Text.Json.Serialization;
using Obverse.Diffusion;
using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Jobs;

/// <summary>A Stable Diffusion model of a job: its name and the SHA-256 of its parts' weights; of a single file, only the first.</summary>
/// <param name="Name">A folder in diffusers' layout, a single file, a name of the zoo or a hub's repository.</param>
/// <param name="Sha256">Of the UNet's weights, or of the single file.</param>
public sealed record SampleModel(string Name, string? Sha256 = null, string? AutoencoderSha256 = null, string? TextSha256 = null);

/// <summary>A picture that a sample begins with (image to image), and by how much it is to change.</summary>
/// <param name="Picture">Stretched to the sample's size.</param>
/// <param name="Strength">Above 0, at most 1: the share of the steps that are taken.</param>
/// <param name="Mask">White (or opaque) where the picture may change (inpainting); null: everywhere.</param>
public sealed record SampleStart(StoredFile Picture, [property: Limit(0, 1)] double Strength, StoredFile? Mask = null);

/// <summary>A job that draws one picture by Stable Diffusion: model, prompt or reference pictures, sampler, steps, guidance, seed, size.</summary>
[Part("sample")]
public sealed record SampleJob : Job
{
    public required SampleModel Model { get; init; }

    /// <summary>The text; empty beside <see cref="References"/>.</summary>
    public required string Prompt { get; init; }
    public string Negative { get; init; } = "";

    /// <summary>How weights inside prompt and negative prompt act.</summary>
    public Emphasis Emphasis { get; init; }
    public SampleReferences? References { get; init; }

    /// <summary>Words of the prompt that the cross-attention does not see (SD-IPC, Fig. 2); "*": all. Null: none.</summary>
    [Items(1, 1024)]
    public ValueList<string>? MaskedWords { get; init; }

    /// <summary>Masked words' scores are lowered before the softmax, so that the others share their weight; else their weights are set to 0 after it.</summary>
    public bool MasksBeforeSoftmax { get; init; }

    /// <summary>What the model is changed by; null: nothing.</summary>
    public SampleTuning? Tuning { get; init; }

    /// <summary>One of <see cref="Sampler.Names"/>.</summary>
    public string Sampler { get; init; } = "dpm++2m";
    [Limit(1, 1000)]
    public int Steps { get; init; } = 20;
    [Limit(0, 1000)]
    public double Guidance { get; init; } = 7.5;

    /// <summary>The number of steps from one full step to the next; those between reuse its deep features (<see cref="Models.DeepFeatures"/>); null: all are full.</summary>
    [Limit(1, 1000)]
    public int? FullEvery { get; init; }

    /// <summary>Multiples of the autoencoder's stride.</summary>
    [Limit(PictureSize.Least, PictureSize.Most)]
    public required int Width { get; init; }
    [Limit(PictureSize.Least, PictureSize.Most)]
    public required int Height { get; init; }
    public ulong Seed { get; init; }
    public SampleStart? Start { get; init; }

    /// <summary>The step after which it was interrupted; null: it ran to its end.</summary>
    [Limit(0, 1_000_000)]
    public int? StoppedAfter { get; init; }

    public override IAsyncEnumerable<JobEvent> Run(Workshop? workshop = null, Outputs? outputs = null, CancellationToken cancellation = default) => SampleRun.Events(this, workshop, outputs, cancellation);

    /// <summary>Runs it and returns the result.</summary>
    public SampleFinished Finish(Workshop? workshop = null, Outputs? outputs = null, CancellationToken cancellation = default) => SampleRun.Steps(this, workshop, outputs, cancellation).OfType<SampleFinished>().Last();

    /// <exception cref="InvalidDataException">A job of another kind, or none.</exception>
    public static new SampleJob FromSafetensors(string path) => Job.FromSafetensors(path) as SampleJob ?? throw new InvalidDataException($"{path}: stores a job, but not a sample");

    /// <summary>What it draws, for a title.</summary>
    [JsonIgnore]
    public string Title => References is { } references ? $"{string.Join(" + ", references.Pictures.Select(one => Path.GetFileName(one.Picture.Path)))}{(references.Edit is { } edit ? $" | {edit}" : "")}" : Prompt;

    internal override int? Stopped => StoppedAfter;

    internal override Job Unstopped => this with { StoppedAfter = null };

    /// <summary>The files that it names.</summary>
    internal IEnumerable<StoredFile> Files => new[] { Start?.Picture, Start?.Mask }.OfType<StoredFile>().Concat(References?.Pictures.Select(one => one.Picture) ?? []).Concat(Tuning is { } tuning ? tuning.Files : []);
}

/// <summary>The last event of a sample. Its file is saved.</summary>
public sealed record SampleFinished(SampleJob Job, Picture Picture, double Seconds, string? File) : JobEvent
{
    /// <summary>The checkpoint to resume from, if it was stopped.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Where each word was looked for, if <see cref="Outputs.Attention"/> was asked for.</summary>
    public IReadOnlyList<AttentionPicture> Attention { get; init; } = [];

    /// <summary>True where it was stopped before its end.</summary>
    public bool IsStopped => Checkpoint is not null;
}

/// <summary>Where a word was looked for.</summary>
/// <param name="Word">The word; "(start)" and "(end)": the prompt's first row, and those from its end on.</param>
/// <param name="Share">Of the attention, over all places, layers and steps.</param>
/// <param name="File">The saved map.</param>
public sealed record AttentionPicture(string Word, double Share, string File);
