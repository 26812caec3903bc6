using Obverse.Files;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>A finished canvas from a file (`--save`, or a checkpoint), to be rendered at any size.</summary>
public sealed class SavedCanvas : IDisposable
{
    private SavedCanvas(InversionJob job, Canvas canvas) => (Job, Canvas) = (job, canvas);

    public InversionJob Job { get; }
    public Canvas Canvas { get; }

    /// <param name="path">Its file.</param>
    /// <param name="allowsFiles"><see cref="Workshop.AllowsFiles"/>.</param>
    /// <param name="content">Another picture for a network that redraws one (<see cref="StyledPicture"/>); null: the job's own.</param>
    /// <exception cref="IOException">Not a canvas, or a damaged one.</exception>
    public static SavedCanvas Open(string path, bool allowsFiles = false, string? content = null)
    {
        var job = InversionJob.FromSafetensors(path);
        if (content is not null)
        {
            if (job.Recipe.Canvas is not StyledPicture) throw new UsageException($"--content is for a network that redraws a picture (recipe styler); {path} holds {job.Recipe.Canvas.GetType().Name}");
            job = job with { Start = StoredFile.Of(content), Mask = null, Shown = null };
        }

        using var file = Safetensors.Open(path);
        using var workshop = new Workshop { AllowsFiles = allowsFiles };
        JobFiles.CheckCanvas(job, workshop);
        var canvas = new InversionBuilder(job, workshop).BuildCanvas(Device.Cpu);
        try
        {
            using var scope = new TensorScope();
            canvas.Restore(name => file["canvas." + name] is var tensor && tensor.IsFinite().All().Item() != 0 ? tensor : throw new WeightsException($"{path}: tensor 'canvas.{name}' holds NaN or infinite numbers"));
            return new(job, canvas);
        }
        catch
        {
            canvas.Dispose();
            throw;
        }
    }

    public Picture Show(int height, int width, CancellationToken cancellation = default) => Canvas.ToPicture(height, width, (Job.Height, Job.Width), cancellation);

    public void Dispose() => Canvas.Dispose();

    /// <summary>Whether a file holds a canvas and nothing of an optimiser: no checkpoint.</summary>
    public static bool IsOne(string path)
    {
        using var file = Safetensors.Open(path);
        return file.Names.Any() && file.Names.All(name => name.StartsWith("canvas.", StringComparison.Ordinal));
    }

    /// <summary>Saves the parameters of a canvas.</summary>
    internal static void Save(Canvas canvas, string path, IReadOnlyDictionary<string, string> metadata)
    {
        using var scope = new TensorScope();
        Safetensors.Save(path, canvas.State().Select(pair => KeyValuePair.Create("canvas." + pair.Key, pair.Value)), metadata);
    }
}
