using System.Globalization;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>A command that draws: makes the job, shows its progress, reports its result.</summary>
internal sealed partial record DrawingSession(Screen Screen)
{
    /// <summary>Characters of a prompt in the line above its progress.</summary>
    public const int LongestTitle = 100;

    public required InversionRequest Request { get; init; }
    public string? Out { get; init; }
    public int Every { get; init; }
    public string? Film { get; init; }
    public string? Save { get; init; }
    public bool Json { get; init; }
    public int? Threads { get; init; }
    public Device? Device { get; init; }
    public Precision? Precision { get; init; }

    /// <summary>Null: only where several pictures are compared and the judge is installed.</summary>
    public bool? Judges { get; init; }

    /// <summary>The picture's default name, without extension.</summary>
    public string? Named { get; init; }

    /// <summary>The prompts as they were typed, where the request's are made of them.</summary>
    public IReadOnlyList<Prompt>? Written { get; init; }

    /// <summary>Several pictures of one command: the suffix of each name, and the change to its job.</summary>
    public IReadOnlyList<(string Suffix, Func<InversionJob, InversionJob> Change)> Series { get; init; } = [("", job => job)];

    /// <summary>A command's own report of the result, in place of the usual line.</summary>
    public Action<IReadOnlyList<JobFinished>, Workshop>? Report { get; init; }

    public int Run()
    {
        using var workshop = CliModels.Workshop(Screen, Threads, Device, Precision);
        var request = Request.Check(workshop);
        if (Request is { Quality: not null, Recipe: { } file } && file.EndsWith(".json", StringComparison.OrdinalIgnoreCase)) Screen.Note($"{file}: a file's numbers stay as they are; --quality chooses the picture's size alone");
        Readings.Tell(Screen, Written ?? [request.Prompt]);
        using var name = Name();
        OutputsOf(name.Path).MustBeWritable(Bytes(Request.Shown ?? Request.Size ?? new(512, 512)));
        var job = request.Job(workshop, Screen.Stop);
        Screen.Stop.ThrowIfCancellationRequested();
        using var other = Out is null && IsAnothers(name.Path, job) ? Name(job) : null;
        var outputs = OutputsOf((other ?? name).Path);
        var warnings = new PromptWarnings(Screen, Json);
        foreach (var model in job.Models) warnings.Show(workshop.Model(model.Name), request.Prompt);
        return Report is not null ? InSeries(job, workshop, outputs) : Request.Count == 1 ? One(job, workshop, outputs) : Several(job, workshop, outputs);
    }

    /// <summary>Resumes a job from its checkpoint.</summary>
    public int Resume(string checkpoint, StoredJobAccess access)
    {
        var job = InversionJob.FromSafetensors(checkpoint);
        var series = PictureSeries.Of(checkpoint, job);
        if (SavedCanvas.IsOne(checkpoint)) throw new InvalidDataException($"{checkpoint}: a finished canvas and no checkpoint; `obverse render` draws it");
        var beside = series is null ? Beside(checkpoint) : Path.Combine(Path.GetDirectoryName(checkpoint) ?? "", series.Name);
        using var name = OutputName.Asked(OutputPaths.Wanting("--out", Out ?? beside, ".png"));
        var outputs = OutputsOf(name.Path);
        outputs.MustBeWritable(Bytes(job.Shown ?? new(job.Width, job.Height)));
        using var workshop = access.Open(Screen, job, Threads, out _);
        job = job with { Threads = Runtime.Threads };
        return series is null ? One(job, workshop, outputs with { Resume = checkpoint })
            : (this with { Request = Request with { Count = series.Count } }).Several(job with { Seed = series.Seed }, workshop, outputs, (checkpoint, job.Seed, beside));
    }

    /// <summary>The picture of a checkpoint.</summary>
    internal static string Beside(string checkpoint) => checkpoint.EndsWith(".checkpoint.safetensors", StringComparison.Ordinal) ? checkpoint.Replace(".checkpoint.safetensors", ".png", StringComparison.Ordinal) : Path.ChangeExtension(checkpoint, ".png");

    /// <summary>The judge; null if nothing is to be judged.</summary>
    public Judge? OpenJudge(Workshop workshop, bool asked = false) => Judges == false || (Judges is null && !asked && !Zoo.Names.Contains(LoadedModel.JudgeName)) ? null : workshop.Judge();

    private JobFinished Draw(InversionJob job, Workshop workshop, Outputs outputs, bool introduces = true) =>
        ProgressView.For(Screen, Json).Watch(job.Run(workshop, outputs, Screen.Stop), started => { if (introduces) Introduce((InversionJob)started); });

    private int One(InversionJob job, Workshop workshop, Outputs outputs)
    {
        var drawn = Draw(job, workshop, outputs);
        if (drawn.IsStopped) return Stopped(drawn);
        using var judge = Judges == true ? OpenJudge(workshop) : null;
        SayResult(drawn, judge?.Assess(drawn.Picture, job.Prompt.Wanted));
        return 0;
    }

    private int InSeries(InversionJob job, Workshop workshop, Outputs outputs)
    {
        var drawings = new List<JobFinished>();
        foreach (var (suffix, change) in Series)
        {
            drawings.Add(Draw(change(job), workshop, outputs.With(suffix) with { Compares = true }));
            if (drawings[^1].IsStopped) return Stopped(drawings[^1]);
        }

        Report!(drawings, workshop);
        return 0;
    }

    /// <summary>Draws the pictures of a series that are not there yet.</summary>
    /// <param name="resumed">The checkpoint that was asked for, its seed, and the name beside it that the finished ones have.</param>
    private int Several(InversionJob job, Workshop workshop, Outputs outputs, (string Checkpoint, ulong Seed, string Beside)? resumed = null)
    {
        var (drawings, isIntroduced) = (new List<JobFinished>(), false);
        var series = new PictureSeries(Request.Count, job.Seed, Path.GetFileName(outputs.Picture));
        foreach (var (one, planned) in Planned(job, outputs))
        {
            var to = planned with { Series = series, Resume = resumed?.Seed == one.Seed ? resumed?.Checkpoint : null };
            if (Finished(one, to, resumed?.Beside) is { } there)
            {
                drawings.Add(new(one, there, null, 0) { File = to.Picture });
                Screen.Note($"{to.Picture}: already there");
            }
            else
            {
                drawings.Add(Draw(one, workshop, to, introduces: !isIntroduced));
                isIntroduced = true;
            }

            if (drawings[^1].IsStopped) return Stopped(drawings[^1]);
            if (!Json) Screen.Say(drawings[^1].File!);
        }

        using var judge = OpenJudge(workshop);
        Judgement?[] judgements = [.. drawings.Select(drawn => judge?.Assess(drawn.Picture, job.Prompt.Wanted))];
        if (Json) for (var i = 0; i < drawings.Count; i++) SayResult(drawings[i], judgements[i]);
        var sheet = SheetOf(outputs.Picture);
        var cells = drawings.Select((drawn, i) => (drawn.Picture, $"seed {drawn.Job.Seed}{(judgements[i] is { } j ? $" · rank {j.LowPass.Rank}, full resolution {j.FullResolution.Rank}" : "")}")).ToList();
        ContactSheet.Save(ContactSheet.Draw(cells, (int)Math.Ceiling(Math.Sqrt(drawings.Count)), Math.Clamp(Math.Max(drawings[0].Picture.Width, drawings[0].Picture.Height), 128, 256), job.Prompt.ToString()), sheet);
        if (Json) Screen.Json(new { Event = "sheet", File = sheet });
        else
        {
            foreach (var (drawn, judgement) in drawings.Zip(judgements)) if (judgement is not null) Screen.Say($"  seed {drawn.Job.Seed}: {Describe(judgement)}");
            Screen.Say($"{sheet}  (contact sheet of {drawings.Count})");
        }

        return 0;
    }

    // Resumed under another name, the finished pictures come along.
    private static Picture? Finished(InversionJob job, Outputs to, string? beside)
    {
        if (to.Finished(job) is { } there) return there;
        if (beside is null || (to with { Picture = FileNames.Beside(beside, PictureSeries.Suffix(job.Seed)) }) is not { } from || from.Finished(job) is not { } picture) return null;
        File.Copy(from.Picture, to.Picture, overwrite: true);
        return picture;
    }

    private void Introduce(InversionJob job)
    {
        var (steps, views, count) = (job.Recipe.Schedule.StepCount, job.Recipe.Views.Count, Request.Count);
        if (Json) Screen.Json(new { Event = "start", Prompt = job.Prompt.ToString(), Recipe = job.Recipe.Name, Model = job.ModelNames, Steps = steps, Views = views, job.Width, job.Height, job.Seed, Pictures = count, job.Threads });
        else Screen.Note($"{Visible.Start(job.Prompt.ToString(), LongestTitle)}: {job.Recipe.Name}, {job.Width}x{job.Height}, {Counted.Of(steps, "step")} of {Counted.Of(views, "view")}, {job.ModelNames}, seed {job.Seed}{(count > 1 ? $" … {job.Seed + (ulong)count - 1}" : "")}");
    }

    private int Stopped(JobFinished drawn)
    {
        var (done, of) = (drawn.Job.StoppedAfter, drawn.Job.Recipe.Schedule.StepCount);
        if (Json) Screen.Json(new { Event = "stopped", drawn.File, drawn.Checkpoint, Step = done, Of = of });
        else Screen.Say(drawn.File!);
        return Screen.Fail($"stopped after step {done} of {of}; resume with: obverse invert --resume {Quoted(drawn.Checkpoint!)}{(Report is null ? "" : " (this picture alone; the same command draws all anew, and compares)")}{(Film is null ? "" : $" (the picture alone: {Film} ends here; the same command once more draws both from the start)")}", 1);
    }

    private void SayResult(JobFinished drawn, Judgement? judgement)
    {
        if (Json)
        {
            Screen.Json(new
            {
                Event = "result", drawn.File, drawn.Job.Seed, drawn.Picture.Width, drawn.Picture.Height, Steps = drawn.Job.Recipe.Schedule.StepCount, drawn.Last?.Loss,
                Similarity = drawn.Last is { } last && double.IsFinite(last.Similarity) ? last.Similarity : (double?)null, Seconds = Math.Round(drawn.Seconds, 3),
                Judge = judgement is null ? null : new { LowPassRank = judgement.LowPass.Rank, FullRank = judgement.FullResolution.Rank, LowPassLogProbability = judgement.LowPass.LogProbability, FullLogProbability = judgement.FullResolution.LogProbability, Top = judgement.LowPass.Top.Select(t => t.Name) },
            });
            return;
        }

        Screen.Say($"{drawn.File}  {drawn.Picture.Width}x{drawn.Picture.Height}, similarity {(drawn.Last?.Similarity ?? double.NaN).ToString("0.000", CultureInfo.InvariantCulture)}, {Durations.Show(drawn.Seconds)}");
        if (judgement is not null) Screen.Say("  " + Describe(judgement));
    }

    private static string Describe(Judgement judgement) => string.Create(CultureInfo.InvariantCulture,
        $"judge: rank {judgement.LowPass.Rank} of {judgement.Names} in low-pass views (log-probability {judgement.LowPass.LogProbability:0.00}), {judgement.FullResolution.Rank} at full resolution ({judgement.FullResolution.LogProbability:0.00}); top names: {string.Join(", ", judgement.LowPass.Top.Take(3).Select(t => t.Name))}");

    private static long Bytes(PictureSize size) => 3L * size.Width * size.Height + (1 << 16);

    private static string Quoted(string path) => path.Any(c => !char.IsLetterOrDigit(c) && c is not ('.' or '/' or '-' or '_')) ? $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'" : path;
}
