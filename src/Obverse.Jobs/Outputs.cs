using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Jobs;

/// <summary>The files that a job saves.</summary>
/// <param name="Picture">The finished picture's PNG.</param>
public sealed record Outputs(string Picture)
{
    /// <summary>A numbered picture every N steps; 0: none.</summary>
    public int Every { get; init; }
    public string? Film { get; init; }

    /// <summary>The canvas (safetensors).</summary>
    public string? Canvas { get; init; }

    /// <summary>The checkpoint to resume from.</summary>
    public string? Resume { get; init; }

    /// <summary>Whether the picture before the first step is compared too.</summary>
    public bool Compares { get; init; }

    /// <summary>Whether a stopped job saves its picture and a checkpoint; else it saves nothing and is cancelled.</summary>
    public bool KeepsWhenStopped { get; init; } = true;

    /// <summary>The checkpoint of a stopped job.</summary>
    public string Checkpoint => FileNames.Beside(Picture, ".checkpoint", ".safetensors");

    /// <summary>The drawing of a canvas that other programs can draw too (<see cref="IDrawing"/>).</summary>
    public string Drawing => Path.ChangeExtension(Picture, ".svg");

    public string Frame(int step, int of) => FileNames.Beside(Picture, $"-step{step.ToString($"D{of.ToString().Length}")}");

    /// <summary>The same files with a suffix to their names.</summary>
    public Outputs With(string suffix) => this with { Picture = FileNames.Beside(Picture, suffix), Film = Film is null ? null : FileNames.Beside(Film, suffix), Canvas = Canvas is null ? null : FileNames.Beside(Canvas, suffix) };

    /// <exception cref="IOException">No such folder, no right to write there, or no room.</exception>
    public void MustBeWritable(long bytes)
    {
        foreach (var path in new[] { Picture, Film, Canvas }) if (path is not null) FileNames.MustBeWritable(path, bytes);
    }
}
