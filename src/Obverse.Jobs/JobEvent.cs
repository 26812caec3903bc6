using Obverse.Imaging;

namespace Obverse.Jobs;

/// <summary>An event of a running job; command line, batch, gallery and ablation all read the same stream.</summary>
public abstract record JobEvent;

/// <summary>The first event: models are loaded and the job starts.</summary>
public sealed record JobStarted(Job Job) : JobEvent;

/// <summary>After every step.</summary>
/// <param name="Title">The prompt, or what else is drawn.</param>
/// <param name="Step">The step that is done.</param>
/// <param name="StepsPerSecond">Over the last three seconds; NaN at first.</param>
/// <param name="Picture">The picture so far; to be called before the next event is asked for, on the thread that asks.</param>
public sealed record StepEvent(string Title, Step Step, double StepsPerSecond, Func<Picture> Picture) : JobEvent
{
    /// <summary>"fit" while the canvas is fitted to the start picture; else "step".</summary>
    public string Phase { get; init; } = "step";

    /// <summary>Steps done so far.</summary>
    public int Done => Step.Index + 1;
    public double SecondsLeft => (Step.Count - Done) / StepsPerSecond;
}

/// <summary>The last event: the result. Its files are saved.</summary>
public sealed record JobFinished(InversionJob Job, Picture Picture, Step? Last, double Seconds) : JobEvent
{
    /// <summary>The saved picture; null: none was asked for.</summary>
    public string? File { get; init; }

    /// <summary>The checkpoint to resume from, if it was stopped.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>True where it was stopped before its end.</summary>
    public bool IsStopped => Job.StoppedAfter is not null && Checkpoint is not null;

    /// <summary>The picture before the first step, and its cosine to the prompt, if <see cref="Outputs.Compares"/>.</summary>
    public (Picture Picture, double Similarity)? Before { get; init; }

    /// <summary>Cosine of the finished picture to the prompt, if <see cref="Outputs.Compares"/>.</summary>
    public double Similarity { get; init; } = double.NaN;
}
