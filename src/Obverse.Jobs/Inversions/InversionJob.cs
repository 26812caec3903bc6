using System.Text.Json.Serialization;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>A model of a job: its name, the SHA-256 of its weights, and that of its text encoder's file if that is a separate one.</summary>
public sealed record JobModel(string Name, string? Sha256 = null, string? TextSha256 = null);

/// <summary>A job that draws one picture by running CLIP backwards: recipe, prompt, models, seed, size.</summary>
[Part("inversion")]
public sealed record InversionJob : Job
{
    public required Recipe Recipe { get; init; }

    /// <summary>The target "prompt".</summary>
    public required Prompt Prompt { get; init; }

    /// <summary>Further targets by name, for objectives that name them; null: none.</summary>
    public IReadOnlyDictionary<string, Prompt>? Targets { get; init; }

    /// <summary>Longest side of <see cref="Preview"/>.</summary>
    public const int PreviewSide = 512;

    /// <summary>The encoders; several are an ensemble whose losses are added.</summary>
    [Items(1, 16)]
    public required ValueList<JobModel> Models { get; init; }
    [Limit(PictureSize.Least, PictureSize.Most)]
    public required int Width { get; init; }
    [Limit(PictureSize.Least, PictureSize.Most)]
    public required int Height { get; init; }
    public ulong Seed { get; init; }
    public StoredFile? Start { get; init; }

    /// <summary>White (or opaque) where the picture may change.</summary>
    public StoredFile? Mask { get; init; }

    /// <summary>How start and the prompts' pictures are read; a mask says by its alpha what may change.</summary>
    public PictureReading Pictures { get; init; } = PictureReading.OnWhite;

    /// <summary>The bank that <see cref="Recipe.Bank"/> takes from.</summary>
    public StoredFile? Bank { get; init; }

    /// <summary>Files of weights that the canvas needs (<see cref="CanvasPlan.NeededWeights"/>), by the plan's names; null: none.</summary>
    public IReadOnlyDictionary<string, StoredFile>? Weights { get; init; }

    /// <summary>The size it is rendered at, if that is not the size it was drawn at.</summary>
    public PictureSize? Shown { get; init; }

    /// <summary>The step after which it was interrupted; null: it ran to its end.</summary>
    [Limit(0, 1_000_000)]
    public int? StoppedAfter { get; init; }

    /// <summary>The models' names, with " + " between them.</summary>
    [JsonIgnore]
    public string ModelNames => string.Join(" + ", Models.Select(model => model.Name));

    internal override int? Stopped => StoppedAfter;

    internal override Job Unstopped => this with { StoppedAfter = null };

    protected override Job Essence => (InversionJob)base.Essence with { Recipe = Recipe with { About = "" } };

    public override IAsyncEnumerable<JobEvent> Run(Workshop? workshop = null, Outputs? outputs = null, CancellationToken cancellation = default) => InversionRun.Events(this, workshop, outputs, cancellation);

    /// <summary>Runs it and returns the result.</summary>
    public JobFinished Finish(Workshop? workshop = null, Outputs? outputs = null, CancellationToken cancellation = default) => InversionRun.Steps(this, workshop, outputs, cancellation).OfType<JobFinished>().Last();

    /// <summary>The current picture of this job's inversion, in the job's size even while the canvas grows.</summary>
    public Picture Show(Inversion inversion, CancellationToken cancellation = default)
    {
        using var scope = new TensorScope();
        if (Shown is { } size) return inversion.Canvas.ToPicture(size.Height, size.Width, (Height, Width), cancellation);
        var shown = inversion.Show();
        return (shown.Size(2) == Height && shown.Size(3) == Width ? shown : inversion.Show(Height, Width)).ToPicture();
    }

    /// <summary>The same, shrunk to <see cref="PreviewSide"/> where it is larger: for a look at a running job.</summary>
    public Picture Preview(Inversion inversion)
    {
        var (width, height) = Shown is { } size ? (size.Width, size.Height) : (Width, Height);
        var scale = PreviewSide / (double)Math.Max(width, height);
        return scale >= 1 ? Show(inversion) : (this with { Shown = new(Math.Max(1, (int)(width * scale)), Math.Max(1, (int)(height * scale))) }).Show(inversion);
    }

    /// <exception cref="InvalidDataException">A job of another kind, or none.</exception>
    public static new InversionJob FromPicture(string path) => Inversion(Job.FromPicture(path), path);

    /// <inheritdoc cref="FromPicture(string)"/>
    public static new InversionJob FromPicture(ReadOnlySpan<byte> png, string name) => Inversion(Job.FromPicture(png, name), name);

    /// <inheritdoc cref="FromPicture(string)"/>
    public static new InversionJob FromJson(string text) => Inversion(Job.FromJson(text), "the job");

    /// <inheritdoc cref="FromPicture(string)"/>
    public static new InversionJob FromSafetensors(string path) => Inversion(Job.FromSafetensors(path), path);

    private static InversionJob Inversion(Job job, string source) => job as InversionJob ?? throw new InvalidDataException($"{source}: stores a job, but not an inversion");
}
