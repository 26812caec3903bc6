using System.Diagnostics;
using Obverse.Models;

namespace Obverse.Evaluation;

/// <summary>Pictures that hold the run that made them: what is there already need not be made again.</summary>
public static class DrawnPicture
{
    /// <summary>True where the file is there and was made by this very run.</summary>
    public static bool IsMade(string path, Run run)
    {
        if (!File.Exists(path)) return false;
        try
        {
            return Run.FromPicture(path).ToJson() == run.ToJson();
        }
        catch (Exception wrong) when (wrong is IOException or InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>Draws and writes it whole or not at all.</summary>
    /// <returns>Seconds, and the drawing model's own similarity in the last step.</returns>
    public static (double Seconds, double Similarity) Draw(Run run, ClipEncoder encoder, string path, InrBank? bank = null, CancellationToken cancel = default)
    {
        var watch = Stopwatch.StartNew();
        using var inversion = run.Begin(encoder, bank);
        var similarity = double.NaN;
        foreach (var step in inversion.Run(cancel)) similarity = step.Similarity;
        cancel.ThrowIfCancellationRequested();
        using var shown = inversion.Show();
        shown.ToPicture().Save(path, text: [new(Run.Keyword, run.ToJson())]);
        return (watch.Elapsed.TotalSeconds, similarity);
    }
}
