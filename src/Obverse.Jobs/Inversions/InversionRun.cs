using System.Diagnostics;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>Runs a job to its end, or until it is stopped, and saves its files: the only place where pictures are drawn.</summary>
internal static class InversionRun
{
    private const int FilmFrames = 100, FramesPerSecond = 20;

    public static async IAsyncEnumerable<JobEvent> Events(InversionJob job, Workshop? workshop, Outputs? outputs, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.CompletedTask; // completes at once: tensors belong to the scopes of one thread
        foreach (var one in Steps(job, workshop, outputs, cancellation)) yield return one;
    }

    /// <summary>The same without a task.</summary>
    public static IEnumerable<JobEvent> Steps(InversionJob job, Workshop? workshop, Outputs? outputs, CancellationToken cancellation)
    {
        using var own = workshop is null ? Workshop.For(job) : null;
        workshop ??= own!;
        JobLimits.Checked(job);
        outputs?.Check(job);
        var watch = Stopwatch.StartNew();
        workshop.Admit(job);
        workshop.UseThreads();
        if (job.Threads != Runtime.Threads) job = job with { Threads = Runtime.Threads }; // what is saved says what it was drawn with
        var checkpoints = outputs is null ? null : new Checkpoints(job, outputs, workshop.OnRemark);
        var builder = new InversionBuilder(job, workshop);
        using var inversion = checkpoints?.Begin(builder.Build, (one, path) => one.Restore(path), one => one.Next) ?? builder.Build();
        yield return new JobStarted(job);
        if (checkpoints?.IsResumed != true && job.Recipe.Fit is not null)
        {
            foreach (var step in Fit(job, workshop, inversion, cancellation)) yield return step;
        }

        using var film = outputs?.Film is { } path ? Film.Open(path, FramesPerSecond) : null;
        var filmEvery = outputs?.Every > 0 ? outputs.Every : Math.Max(1, job.Recipe.Schedule.StepCount / FilmFrames);
        var before = outputs?.Compares == true ? job.Show(inversion) : null;
        var speed = new Speed();
        var heap = new HeapGrowth();
        Step? last = null;
        foreach (var step in inversion.Run(cancellation))
        {
            last = step;
            heap.AfterStep();
            if (!double.IsFinite(step.Loss)) throw new InvalidDataException($"step {step.Index + 1}: the loss is {step.Loss}; use a lower rate, or weights without NaN");
            if (outputs?.Every > 0 && (step.Index + 1) % outputs.Every == 0) job.Show(inversion).Save(outputs.Frame(step.Index + 1, step.Count));
            if (film is not null && ((step.Index + 1) % filmEvery == 0 || step.Index + 1 == step.Count)) film.Add(job.Show(inversion));
            checkpoints?.Pass(inversion.Save);
            yield return new StepEvent(job.Prompt.ToString(), step, speed.After(step.Index), () => job.Preview(inversion));
            workshop.UseThreads(); // the next event may be asked for on another thread
        }

        var stopped = inversion.Next < (job.StoppedAfter ?? job.Recipe.Schedule.StepCount);
        if (stopped && outputs?.KeepsWhenStopped != true)
        {
            checkpoints?.Pass(inversion.Save); // of a long run; the same command goes on from it
            cancellation.ThrowIfCancellationRequested();
        }

        if (stopped) job = job with { StoppedAfter = inversion.Next };
        var picture = job.Show(inversion);
        if (outputs is not null) Save(job, inversion, picture, outputs, stopped, checkpoints!);
        if (film is { Frames: > 0 })
        {
            for (var i = 0; i < FramesPerSecond; i++) film.Add(picture); // the last frame is held for a second
            film.Finish();
        }

        yield return new JobFinished(job, picture, last, watch.Elapsed.TotalSeconds)
        {
            File = outputs?.Picture, Checkpoint = stopped ? outputs?.Checkpoint : null,
            Before = before is null ? null : (before, Similarity(inversion, before)), Similarity = before is null ? double.NaN : Similarity(inversion, picture),
        };
    }

    private static IEnumerable<JobEvent> Fit(InversionJob job, Workshop workshop, Inversion inversion, CancellationToken cancellation)
    {
        var picture = new Lazy<Picture>(() => job.Load(job.Start!));
        var speed = new Speed();
        foreach (var step in new StartFit(job, workshop.Fits).Run(inversion.Canvas, cancellation))
        {
            yield return new StepEvent(job.Start!.Path, new Step { Index = step.Index, Count = job.Recipe.Fit!.Steps, Losses = [step.Losses[0]], Similarities = [] }, speed.After(step.Index), () => picture.Value) { Phase = "fit" };
        }
    }

    private static void Save(InversionJob job, Inversion inversion, Picture picture, Outputs outputs, bool stopped, Checkpoints checkpoints)
    {
        if (stopped) checkpoints.Save(inversion.Save); // first: the picture can be made from it, and not the other way round
        try
        {
            job.SavePicture(picture, outputs.Picture);
        }
        catch (IOException full) when (outputs.KeepsWhenStopped)
        {
            // A disk that filled meanwhile: hours are not lost for it, if there is room for the state.
            if (!stopped) checkpoints.Save(inversion.Save);
            throw new IOException($"{full.Message}; what was drawn is in {outputs.Checkpoint}: `obverse invert --resume` writes it, elsewhere with --out", full);
        }

        if (Innermost(inversion.Canvas) is IDrawing drawing) AtomicFile.WriteText(outputs.Drawing, drawing.ToSvg());
        if (stopped) return;
        if (outputs.Canvas is { } path) SavedCanvas.Save(inversion.Canvas, path, new Dictionary<string, string> { [Job.Keyword] = job.ToJson() });
        checkpoints.Remove();
    }

    private static Canvas Innermost(Canvas canvas) => canvas is CanvasWrapper wrapper ? Innermost(wrapper.Inner) : canvas;

    private static double Similarity(Inversion inversion, Picture picture)
    {
        using var scope = new TensorScope();
        return inversion.Similarity(picture.ToTensor());
    }

    /// <summary>Seconds per step, averaged over the stages of progressive resolution: a few steps of each are timed on a canvas that is discarded.</summary>
    public static double SecondsPerStep(InversionJob job, Workshop workshop, CancellationToken cancellation)
    {
        const int First = 2, Counted = 4; // the first ones fill caches
        var schedule = job.Recipe.Schedule;
        return schedule.Progressive is not { } progressive ? Seconds(job)
            : progressive.Shares().Sum(part => part.Share * Seconds(job with { Recipe = job.Recipe with { Schedule = schedule with { Progressive = new([part.Stage with { Until = 1 }]) } } }));

        double Seconds(InversionJob one)
        {
            using var inversion = new InversionBuilder(one, workshop).Build();
            var watch = new Stopwatch();
            foreach (var step in inversion.Run(cancellation).Take(First + Counted))
            {
                if (step.Index + 1 == First) watch.Start();
            }

            return watch.Elapsed.TotalSeconds / Math.Max(1, Math.Min(inversion.Next, First + Counted) - First);
        }
    }

    /// <summary>Steps per second over the last three seconds.</summary>
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
