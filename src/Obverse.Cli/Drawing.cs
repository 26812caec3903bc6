using System.Diagnostics;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>What is written while and after a picture is drawn.</summary>
internal sealed record DrawingFiles(string Picture)
{
    /// <summary>Every so many steps a numbered picture; 0: none.</summary>
    public int Every { get; init; }
    public string? Film { get; init; }
    public string? Canvas { get; init; }

    /// <summary>Where an interrupted run is kept.</summary>
    public string Checkpoint => OutputPaths.Beside(Picture, ".checkpoint", ".safetensors");

    public string Frame(int step, int of) => OutputPaths.Beside(Picture, $"-step{step.ToString($"D{of.ToString().Length}")}");

    public void MustBeWritable(long bytes)
    {
        foreach (var path in new[] { Picture, Film, Canvas }) if (path is not null) OutputPaths.MustBeWritable(path, bytes);
    }
}

/// <summary>How a drawing ended. <see cref="Checkpoint"/> is there where it was stopped.</summary>
internal sealed record Drawn(Run Run, Picture Picture, string File, Step? Last, double Seconds, string? Checkpoint)
{
    /// <summary>What the canvas was before the first step, and its cosine to the target, where the run works on a picture.</summary>
    public (Picture Picture, double Similarity)? Before { get; init; }

    /// <summary>Cosine of the finished picture to the target; looked at where there is a <see cref="Before"/>.</summary>
    public double Similarity { get; init; }
}

/// <summary>Draws one run to its end, or to Ctrl-C, and writes what there is.</summary>
internal static class Drawing
{
    private const int FilmFrames = 100, FramesPerSecond = 20;

    public static Drawn Draw(Run run, ClipEncoder encoder, DrawingFiles files, Screen screen, ProgressView progress, string? resume = null, Action? begun = null, InrBank? bank = null, FittedStarts? kept = null, bool compares = false)
    {
        var watch = Stopwatch.StartNew();
        using var inversion = Begin(run, encoder, screen, progress, bank, kept, isRestored: resume is not null);
        if (resume is not null) inversion.Restore(resume);
        using var film = files.Film is null ? null : Film.Open(files.Film, FramesPerSecond);
        var filmEvery = files.Every > 0 ? files.Every : Math.Max(1, run.Recipe.Schedule.StepCount / FilmFrames);
        begun?.Invoke();
        var before = compares ? run.Show(inversion) : null;
        var speed = new Speed();
        Step? last = null;
        progress.During(tell =>
        {
            foreach (var step in inversion.Run(screen.Stop))
            {
                last = step;
                if (!double.IsFinite(step.Loss)) throw new InvalidDataException($"step {step.Index + 1}: the loss is {step.Loss}; a lower rate, or weights without NaN, are needed");
                if (files.Every > 0 && (step.Index + 1) % files.Every == 0) run.Show(inversion).Save(files.Frame(step.Index + 1, step.Of));
                if (film is not null && ((step.Index + 1) % filmEvery == 0 || step.Index + 1 == step.Of)) film.Add(run.Show(inversion));
                tell(new Moment(run.Prompt.ToString(), step, speed.After(step.Index), () => run.Show(inversion)));
            }
        });

        var stopped = inversion.Next < (run.StoppedAfter ?? run.Recipe.Schedule.StepCount);
        if (stopped) run = run with { StoppedAfter = inversion.Next };
        var picture = run.Show(inversion);
        run.SavePicture(picture, files.Picture);
        if (stopped) (run with { StoppedAfter = null }).SaveCheckpoint(inversion, files.Checkpoint);
        else if (files.Canvas is not null) run.SaveCanvas(inversion, files.Canvas);
        if (film is { Frames: > 0 })
        {
            for (var i = 0; i < FramesPerSecond; i++) film.Add(picture); // the last frame stands for a second
            film.Finish();
        }

        return new(run, picture, files.Picture, last, watch.Elapsed.TotalSeconds, stopped ? files.Checkpoint : null)
        {
            Before = before is null ? null : (before, Similarity(inversion, before)), Similarity = before is null ? double.NaN : Similarity(inversion, picture),
        };
    }

    private static double Similarity(Inversion inversion, Picture picture)
    {
        using var scope = new TensorScope();
        return inversion.Similarity(picture.ToTensor());
    }

    // With the fit to the run's picture, where it has one, shown like the drawing itself.
    private static Inversion Begin(Run run, ClipEncoder encoder, Screen screen, ProgressView progress, InrBank? bank, FittedStarts? kept, bool isRestored)
    {
        if (run.Recipe.Fit is not { } fit || isRestored) return run.Begin(encoder, bank, new Fitting { IsLeftOut = isRestored });
        Inversion? inversion = null;
        var picture = new Lazy<Picture>(() => run.Start!.Load());
        var speed = new Speed();
        progress.During(tell =>
        {
            inversion = run.Begin(encoder, bank, new Fitting
            {
                Stop = screen.Stop, Kept = kept,
                Told = step => tell(new Moment(run.Start!.Path, new Step { Index = step.Index, Of = fit.Steps, Losses = [step.Losses[0]], Similarities = [] }, speed.After(step.Index), () => picture.Value) { Event = "fit" }),
            });
        });
        return inversion!;
    }

    /// <summary>What a step of a run takes, on average over the parts of its pace: a few of each are made on a canvas that is thrown away.</summary>
    public static double SecondsPerStep(Run run, ClipEncoder encoder, CancellationToken stop)
    {
        const int First = 2, Counted = 4; // the first ones fill caches
        return run.Recipe.Pace is not { } pace ? Seconds(run) : pace.Parts().Sum(part => part.Share * Seconds(run with { Recipe = run.Recipe with { Pace = new(part.Stage with { Until = 1 }) } }));

        double Seconds(Run one)
        {
            using var inversion = one.Begin(encoder);
            var watch = new Stopwatch();
            foreach (var step in inversion.Run(stop).Take(First + Counted))
            {
                if (step.Index + 1 == First) watch.Start();
            }

            return watch.Elapsed.TotalSeconds / Math.Max(1, Math.Min(inversion.Next, First + Counted) - First);
        }
    }

    // Steps a second over the last second or two.
    private sealed class Speed
    {
        private readonly Queue<(int Step, long At)> recent = new();

        public double After(int step)
        {
            recent.Enqueue((step, Stopwatch.GetTimestamp()));
            while (recent.Count > 2 && Stopwatch.GetElapsedTime(recent.Peek().At).TotalSeconds > 3) recent.Dequeue();
            var (first, at) = recent.Peek();
            return recent.Count < 2 ? double.NaN : (step - first) / Stopwatch.GetElapsedTime(at).TotalSeconds;
        }
    }
}
