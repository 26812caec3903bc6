using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Jobs;

public sealed partial record Run
{
    /// <summary>The picture of an inversion that this run began, as it is now; of the run's size, even while the canvas grows.</summary>
    public Picture Show(Inversion inversion)
    {
        using var scope = new TensorScope();
        if (Shown is { } size) return inversion.Show(size.Height, size.Width).ToPicture();
        var shown = inversion.Show();
        return (shown.Size(2) == Height && shown.Size(3) == Width ? shown : inversion.Show(Height, Width)).ToPicture();
    }

    /// <summary>Writes a picture with this run in it.</summary>
    public void SavePicture(Picture picture, string path) => picture.Save(path, text: [new(Keyword, ToJson())]);

    /// <summary>Writes what the canvas has become, to be shown again at any size.</summary>
    public void SaveCanvas(Inversion inversion, string path)
    {
        using var scope = new TensorScope();
        Safetensors.Save(path, inversion.Canvas.State().Select(pair => KeyValuePair.Create("canvas." + pair.Key, pair.Value)), Metadata);
    }

    /// <summary>Writes all that is needed to go on after the step last made.</summary>
    public void SaveCheckpoint(Inversion inversion, string path) => inversion.Save(path, Metadata);

    /// <summary>The run that a canvas or a checkpoint belongs to.</summary>
    /// <exception cref="IOException">Not such a file.</exception>
    public static Run FromSafetensors(string path)
    {
        using var file = Safetensors.Open(path);
        return file.Metadata.TryGetValue(Keyword, out var text) ? FromJson(text) : throw new WeightsException($"{path}: holds no run; a canvas or checkpoint written by `obverse invert` was wanted");
    }

    private Dictionary<string, string> Metadata => new() { [Keyword] = ToJson() };

    /// <summary>A canvas with what belongs to its picture.</summary>
    internal SavedCanvas Restored(string path)
    {
        using var file = Safetensors.Open(path);
        var (canvas, mask, background) = Prepare(Torch.Device.Cpu);
        var saved = new SavedCanvas(this, canvas, mask, background);
        try
        {
            using var scope = new TensorScope();
            canvas.Restore(name => file["canvas." + name] is var tensor && tensor.IsFinite().All().Item() != 0 ? tensor : throw new WeightsException($"{path}: tensor 'canvas.{name}' holds NaN or infinite numbers"));
            return saved;
        }
        catch
        {
            saved.Dispose();
            throw;
        }
    }
}

/// <summary>A finished canvas from a file (<see cref="Run.SaveCanvas"/>, or a checkpoint), to be shown at any size.</summary>
public sealed class SavedCanvas : IDisposable
{
    private readonly Tensor? mask, background;

    internal SavedCanvas(Run run, Canvas canvas, Tensor? mask, Tensor? background) => (Run, Canvas, this.mask, this.background) = (run, canvas, mask, background);

    public static SavedCanvas Open(string path) => Run.FromSafetensors(path).Restored(path);

    public Run Run { get; }
    public Canvas Canvas { get; }

    public Picture Show(int height, int width)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        return Inpainting.Over(Canvas.Show(height, width), mask, background).Clamp(0, 1).ToPicture();
    }

    public void Dispose()
    {
        Canvas.Dispose();
        mask?.Dispose();
        background?.Dispose();
    }
}
