using Obverse.Files;
using Obverse.Jobs;

namespace Obverse.Cli;

// Where a command's pictures go, so that nobody's are overwritten and what an interrupted run left is taken up.
internal sealed partial record DrawingSession
{
    /// <summary>The name that was asked for, or one that nothing has; with a job also one whose unfinished pictures are that job's.</summary>
    private OutputName Name(InversionJob? job = null)
    {
        var wanted = OutputPaths.Wanting("--out", Out ?? FileNames.Fitting(Named ?? FileNames.Slug(Request.Prompt ?? Request.Parts?.ToString() ?? ""), ".png"), ".png");
        return Out is not null ? OutputName.Asked(wanted) : OutputName.Free(wanted, path => IsTaken(path) || (job is not null && IsAnothers(path, job)));
    }

    // With several pictures, the names derived from it must be free too.
    private bool IsTaken(string picture) => Path.Exists(picture) || (Request.Count > 1 && Path.Exists(SheetOf(picture))) || Series.Any(one => Path.Exists(FileNames.Beside(picture, one.Suffix)));

    private bool IsAnothers(string picture, InversionJob job) => Planned(job, new Outputs(picture)).Any(one => one.Outputs.HoldsAnother(one.Job));

    private IEnumerable<(InversionJob Job, Outputs Outputs)> Planned(InversionJob job, Outputs outputs) => Request.Count > 1
        ? Enumerable.Range(0, Request.Count).Select(i => job.Seed + (ulong)i).Select(seed => (job with { Seed = seed }, outputs.With(PictureSeries.Suffix(seed))))
        : Series.Select(one => (one.Change(job), outputs.With(one.Suffix)));

    private Outputs OutputsOf(string picture) => new(picture)
    {
        Every = Every, Film = Film is null ? null : OutputPaths.Wanting("--film", Film, ".gif", ".webp", ".mp4"), Canvas = Save is null ? null : OutputPaths.Wanting("--save", Save, ".safetensors"),
    };

    private static string SheetOf(string picture) => FileNames.Beside(picture, "-sheet");
}
