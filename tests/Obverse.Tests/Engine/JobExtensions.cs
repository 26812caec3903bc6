using Obverse.Jobs;

namespace Obverse.Tests.Engine;

internal static class JobExtensions
{
    /// <summary>The job's inversion before its first step, fitted to its picture where it has one.</summary>
    public static Inversion Begin(this InversionJob job, Workshop workshop, bool fits = true, Action? onFit = null)
    {
        var inversion = new InversionBuilder(job, workshop).Build();
        try
        {
            if (fits && job.Recipe.Fit is not null) foreach (var _ in new StartFit(job, workshop.Fits).Run(inversion.Canvas, default)) onFit?.Invoke();
            return inversion;
        }
        catch
        {
            inversion.Dispose();
            throw;
        }
    }
}
