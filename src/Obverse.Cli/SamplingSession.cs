using System.CommandLine;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>A command that samples: shows its progress, reports its results.</summary>
internal sealed record SamplingSession(Screen Screen, SamplingOptions Options, ParseResult Parsed)
{
    /// <summary>The picture's default name, without extension.</summary>
    public string Named { get; init; } = "";

    /// <summary>What the judge is asked for; null: it is not asked.</summary>
    public string? Wanted { get; init; }

    /// <summary>A folder for attention maps; null: none.</summary>
    public string? Attention { get; init; }

    private bool Json => Options.IsJson(Parsed);

    /// <summary>Draws.</summary>
    /// <param name="change">What the command adds to a job.</param>
    public int Run(Func<SampleJob, Workshop, SampleJob> change)
    {
        var (given, n) = (Parsed.GetValue(Options.Out), Parsed.GetValue(Options.Count) ?? 1);
        if (Attention is not null && n > 1) throw new UsageException("--attention looks at one picture; draw it without --n");
        var wanted = OutputPaths.Wanting("--out", given ?? FileNames.Fitting(Named, ".png"), ".png");
        using var workshop = Options.Workshop(Screen, Parsed);
        OutputsOf(wanted).MustBeWritable(3L << 20);
        var job = change(Options.Job(workshop, Parsed), workshop);
        SamplingOptions.Tell(Screen, job, workshop.Diffusion(job.Model.Name, job.Tuning));
        using var name = given is not null ? OutputName.Asked(wanted) : OutputName.Free(wanted, path => Path.Exists(path) || (n > 1 && Path.Exists(SheetOf(path))) || Planned(job, path, n).Any(one => one.Outputs.HoldsAnother(one.Job)));
        using var judge = Parsed.GetValue(Options.Judges) && Wanted is not null ? workshop.Judge() : null;
        List<(Picture Picture, string Label)> cells = [];
        foreach (var (one, outputs) in Planned(job, name.Path, n))
        {
            if (n > 1 && outputs.Finished(one) is { } there)
            {
                Screen.Note($"{outputs.Picture}: already there");
                cells.Add((there, $"seed {one.Seed}"));
                continue;
            }

            var drawn = Draw(one, workshop, outputs, introduces: cells.Count == 0, n);
            if (drawn.IsStopped) return Stopped(drawn);
            var verdict = judge?.Assess(drawn.Picture, Wanted!);
            cells.Add((drawn.Picture, $"seed {one.Seed}{(verdict is null ? "" : $" · rank {verdict.LowPass.Rank}")}"));
            Say(drawn, verdict);
        }

        if (n == 1) return 0;
        var sheet = SheetOf(name.Path);
        ContactSheet.Save(ContactSheet.Draw(cells, (int)Math.Ceiling(Math.Sqrt(n)), Math.Clamp(Math.Max(job.Width, job.Height), 128, 256), Named), sheet);
        if (Json) Screen.Json(new { Event = "sheet", File = sheet });
        else Screen.Say($"{sheet}  (contact sheet of {n})");
        return 0;
    }

    /// <summary>Resumes a picture from its checkpoint.</summary>
    public int Resume(string checkpoint, StoredJobAccess access)
    {
        var job = SampleJob.FromSafetensors(checkpoint);
        using var name = OutputName.Asked(OutputPaths.Wanting("--out", Parsed.GetValue(Options.Out) ?? DrawingSession.Beside(checkpoint), ".png"));
        var outputs = OutputsOf(name.Path) with { Resume = checkpoint };
        outputs.MustBeWritable(3L << 20);
        using var workshop = access.Open(Screen, job, Options.Threads(Parsed), out _);
        var drawn = Draw(job with { Threads = Runtime.Threads }, workshop, outputs, introduces: true, 1);
        if (drawn.IsStopped) return Stopped(drawn);
        Say(drawn, null);
        return 0;
    }

    private SampleFinished Draw(SampleJob job, Workshop workshop, Outputs outputs, bool introduces, int n) =>
        ProgressView.For(Screen, Json).Watch<SampleFinished>(job.Run(workshop, outputs, Screen.Stop), _ =>
        {
            if (!introduces) return;
            if (Json) Screen.Json(new { Event = "start", job.Prompt, Model = job.Model.Name, job.Sampler, job.Steps, job.Guidance, job.Width, job.Height, job.Seed, Pictures = n });
            else Screen.Note($"{Visible.Start(job.Title, DrawingSession.LongestTitle)}: {job.Model.Name}, {job.Sampler}, {job.Steps} steps, guidance {FormattableString.Invariant($"{job.Guidance}")}, {(job.FullEvery is { } every ? $"one step of {every} in full, " : "")}{job.Width}x{job.Height}, seed {job.Seed}");
        });

    private void Say(SampleFinished drawn, Judgement? verdict)
    {
        if (Json) Screen.Json(new { Event = "result", drawn.File, drawn.Seconds, Rank = verdict?.LowPass.Rank, Attention = drawn.Attention.Count == 0 ? null : drawn.Attention });
        else Screen.Say(FormattableString.Invariant($"{drawn.File}  {drawn.Seconds:0.0} s{(verdict is null ? "" : $"  judge: rank {verdict.LowPass.Rank} of {verdict.Names}, full resolution {verdict.FullResolution.Rank}")}"));
        if (!Json && drawn.Attention.Count > 0) Screen.Say(FormattableString.Invariant($"{Attention}  attention maps: {string.Join(", ", drawn.Attention.Select(map => FormattableString.Invariant($"{map.Word} {map.Share * 100:0.0} %")))}"));
    }

    private int Stopped(SampleFinished drawn)
    {
        if (Json) Screen.Json(new { Event = "stopped", drawn.File, drawn.Checkpoint, After = drawn.Job.StoppedAfter });
        return Screen.Fail($"stopped after step {drawn.Job.StoppedAfter}: {drawn.File} is what it was about to be; --resume {drawn.Checkpoint} goes on", 1);
    }

    private IEnumerable<(SampleJob Job, Outputs Outputs)> Planned(SampleJob job, string picture, int n) => n == 1 ? [(job, OutputsOf(picture))]
        : Enumerable.Range(0, n).Select(i => job.Seed + (ulong)i).Select(seed => (job with { Seed = seed }, OutputsOf(picture).With(PictureSeries.Suffix(seed))));

    private Outputs OutputsOf(string picture) => new(picture)
    {
        Every = Parsed.GetValue(Options.Every) ?? 0, Film = Parsed.GetValue(Options.Film) is { } film ? OutputPaths.Wanting("--film", film, ".gif", ".webp", ".mp4") : null, Attention = Attention,
    };

    private static string SheetOf(string picture) => FileNames.Beside(picture, "-sheet");
}
