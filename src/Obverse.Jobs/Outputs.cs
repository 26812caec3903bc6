using System.Globalization;
using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Jobs;

/// <summary>The files that a job saves.</summary>
/// <param name="Picture">The finished picture's PNG.</param>
public sealed record Outputs(string Picture)
{
    private static readonly TimeSpan usual = TimeSpan.FromSeconds(double.TryParse(Environment.GetEnvironmentVariable("OBVERSE_CHECKPOINT_SECONDS"), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and <= 1e6 ? seconds : 20);

    /// <summary>A numbered picture every N steps; 0: none.</summary>
    public int Every { get; init; }
    public string? Film { get; init; }

    /// <summary>A folder for a sample's attention maps, a picture a word.</summary>
    public string? Attention { get; init; }

    /// <summary>The canvas (safetensors).</summary>
    public string? Canvas { get; init; }

    /// <summary>The checkpoint to resume from.</summary>
    public string? Resume { get; init; }

    /// <summary>Whether the picture before the first step is compared too.</summary>
    public bool Compares { get; init; }

    /// <summary>Whether a stopped job saves its picture and a checkpoint; else it saves nothing and is cancelled.</summary>
    public bool KeepsWhenStopped { get; init; } = true;

    /// <summary>How often a running job saves a checkpoint, after that time at the earliest; null: only when it is stopped; zero: after every step. [default: 20 seconds, or OBVERSE_CHECKPOINT_SECONDS]</summary>
    public TimeSpan? CheckpointEvery { get; init; } = usual;

    /// <summary>The pictures that this one is one of; its checkpoints name them.</summary>
    public PictureSeries? Series { get; init; }

    /// <summary>Whether only the finished picture and its canvas count: then it may be resumed by itself, or be there already.</summary>
    internal bool IsPictureOnly => Every == 0 && Film is null && Attention is null && !Compares;

    /// <summary>The checkpoint of a running or stopped job.</summary>
    public string Checkpoint => FileNames.Beside(Picture, ".checkpoint", ".safetensors");

    /// <summary>The drawing of a canvas that other programs can draw too (<see cref="IDrawing"/>).</summary>
    public string Drawing => Path.ChangeExtension(Picture, ".svg");

    public string Frame(int step, int of) => FileNames.Beside(Picture, $"-step{step.ToString($"D{of.ToString().Length}")}");

    /// <summary>The same files with a suffix to their names.</summary>
    public Outputs With(string suffix) => this with { Picture = FileNames.Beside(Picture, suffix), Film = Film is null ? null : FileNames.Beside(Film, suffix), Canvas = Canvas is null ? null : FileNames.Beside(Canvas, suffix) };

    /// <summary>Whether a picture or a checkpoint is there that this job did not make: it would be overwritten.</summary>
    public bool HoldsAnother(Job job) => (File.Exists(Picture) && !job.IsMade(Picture)) || (File.Exists(Checkpoint) && !Checkpoints.IsOf(job, Checkpoint));

    /// <summary>The finished picture of this job, if it is there whole and nothing else is wanted of it.</summary>
    public Picture? Finished(Job job)
    {
        if (!IsPictureOnly || Canvas is not null || !job.IsMade(Picture)) return null;
        Checkpoints.RemoveLeftover(job, this);
        return Imaging.Picture.Load(Picture);
    }

    /// <summary>Before the first step: what would be lost after the last.</summary>
    /// <exception cref="IOException">A picture that is no .png, or cannot be written there.</exception>
    /// <exception cref="NotSupportedException">A part of the job has no name to be stored by.</exception>
    internal void Check(Job job)
    {
        if (!Path.GetExtension(Picture).Equals(".png", StringComparison.OrdinalIgnoreCase)) throw new IOException($"{Picture}: a picture keeps its job in a .png only");
        _ = job.ToJson();
        MustBeWritable(bytes: 1);
    }

    /// <exception cref="IOException">No such folder, no right to write there, or no room.</exception>
    public void MustBeWritable(long bytes)
    {
        foreach (var path in new[] { Picture, Film, Canvas }) if (path is not null) FileNames.MustBeWritable(path, bytes);
    }
}
