using System.Diagnostics;
using Obverse.Models;
using Obverse.Retrieval;

namespace Obverse.Jobs;

/// <summary>Pictures that hold the run that made them: what is there already need not be made again.</summary>
public static class DrawnPicture
{
    /// <summary>True where the file is there and was made by this very run, on however many cores.</summary>
    public static bool IsMade(string path, Run run)
    {
        if (!File.Exists(path)) return false;
        try
        {
            return Run.FromPicture(path) is var made && made.ToJson() == (run with { Threads = made.Threads }).ToJson();
        }
        catch (Exception wrong) when (wrong is IOException or InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>Draws and writes it whole or not at all.</summary>
    /// <exception cref="InvalidDataException">The loss left the numbers.</exception>
    /// <exception cref="OperationCanceledException">Nothing was written.</exception>
    /// <returns>Seconds, and the drawing model's own similarity in the last step.</returns>
    public static (double Seconds, double Similarity) Draw(Run run, ClipEncoder encoder, string path, InrBank? bank = null, CancellationToken cancel = default)
    {
        var watch = Stopwatch.StartNew();
        using var inversion = run.Begin(encoder, bank);
        var similarity = double.NaN;
        foreach (var step in inversion.Run(cancel))
        {
            if (!double.IsFinite(step.Loss)) throw new InvalidDataException($"step {step.Index + 1}: the loss is {step.Loss}; a lower rate, or weights without NaN, are needed");
            similarity = step.Similarity;
        }

        cancel.ThrowIfCancellationRequested();
        using var shown = inversion.Show();
        shown.ToPicture().Save(path, text: [new(Run.Keyword, run.ToJson())]);
        return (watch.Elapsed.TotalSeconds, similarity);
    }
}
