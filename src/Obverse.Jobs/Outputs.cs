using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Jobs;

/// <summary>What is written while and after a job runs.</summary>
/// <param name="Picture">The finished picture's PNG.</param>
public sealed record Outputs(string Picture)
{
    /// <summary>A numbered picture every N steps; 0: none.</summary>
    public int Every { get; init; }
    public string? Film { get; init; }

    /// <summary>The canvas (safetensors).</summary>
    public string? Canvas { get; init; }

    /// <summary>The state to go on from.</summary>
    public string? Resume { get; init; }

    /// <summary>Whether what was before the first step is looked at too.</summary>
    public bool Compares { get; init; }

    /// <summary>Whether a stopped job leaves its picture and a checkpoint; else it leaves nothing and is cancelled.</summary>
    public bool KeepsWhenStopped { get; init; } = true;

    /// <summary>Where a stopped job waits.</summary>
    public string Checkpoint => FileNames.Beside(Picture, ".checkpoint", ".safetensors");

    public string Frame(int step, int of) => FileNames.Beside(Picture, $"-step{step.ToString($"D{of.ToString().Length}")}");

    /// <summary>The same files with something behind their names.</summary>
    public Outputs With(string suffix) => this with { Picture = FileNames.Beside(Picture, suffix), Film = Film is null ? null : FileNames.Beside(Film, suffix), Canvas = Canvas is null ? null : FileNames.Beside(Canvas, suffix) };

    /// <exception cref="IOException">No such folder, no right to write there, or no room.</exception>
    public void MustBeWritable(long bytes)
    {
        foreach (var path in new[] { Picture, Film, Canvas }) if (path is not null) FileNames.MustBeWritable(path, bytes);
    }
}
