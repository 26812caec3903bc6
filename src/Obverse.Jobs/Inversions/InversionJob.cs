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

    /// <summary>The bank for <see cref="Recipe.Bank"/>.</summary>
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

    public override IAsyncEnumerable<JobEvent> Run(Workshop? workshop = null, Outputs? outputs = null, CancellationToken cancellation = default) => InversionRun.Events(this, workshop, outputs, cancellation);

    /// <summary>Runs it and returns the result.</summary>
    public JobFinished Finish(Workshop? workshop = null, Outputs? outputs = null, CancellationToken cancellation = default) => InversionRun.Steps(this, workshop, outputs, cancellation).OfType<JobFinished>().Last();

    /// <summary>True if the file exists and stores this job, whatever the number of threads.</summary>
    public bool IsMade(string path)
    {
        if (!File.Exists(path)) return false;
        try
        {
            return FromPicture(path).MakesTheSameAs(this);
        }
        catch (Exception wrong) when (wrong is IOException or InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>The current picture of this job's inversion, in the job's size even while the canvas grows.</summary>
    public Picture Show(Inversion inversion)
    {
        using var scope = new TensorScope();
        if (Shown is { } size) return inversion.Show(size.Height, size.Width).ToPicture();
        var shown = inversion.Show();
        return (shown.Size(2) == Height && shown.Size(3) == Width ? shown : inversion.Show(Height, Width)).ToPicture();
    }

    /// <exception cref="InvalidDataException">A job of another kind, or none.</exception>
    public static new InversionJob FromPicture(string path) => Inversion(Job.FromPicture(path), path);

    /// <inheritdoc cref="FromPicture"/>
    public static new InversionJob FromJson(string text) => Inversion(Job.FromJson(text), "the job");

    /// <inheritdoc cref="FromPicture"/>
    public static new InversionJob FromSafetensors(string path) => Inversion(Job.FromSafetensors(path), path);

    private static InversionJob Inversion(Job job, string source) => job as InversionJob ?? throw new InvalidDataException($"{source}: stores a job, but not an inversion");
}
