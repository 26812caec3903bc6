using Obverse.Imaging;

namespace Obverse.Jobs;

/// <summary>What a job tells while it runs; command line, batch, gallery and ablation all read the same stream.</summary>
public abstract record JobEvent;

/// <summary>The first: models are loaded, what begins is this job.</summary>
public sealed record JobStarted(Job Job) : JobEvent;

/// <summary>A step was taken.</summary>
public sealed record StepEvent(string Title, Step Step, double StepsPerSecond, Func<Picture> Picture) : JobEvent
{
    /// <summary>"fit" while the canvas is fitted to the picture that the job begins with; else "step".</summary>
    public string Phase { get; init; } = "step";

    /// <summary>Steps that are done.</summary>
    public int Done => Step.Index + 1;
    public double SecondsLeft => (Step.Count - Done) / StepsPerSecond;
}

/// <summary>The last: what came of it. Its files are written.</summary>
public sealed record JobFinished(InversionJob Job, Picture Picture, Step? Last, double Seconds) : JobEvent
{
    /// <summary>Where the picture is; null: it was not asked for.</summary>
    public string? File { get; init; }

    /// <summary>Where it can go on from, where it was stopped.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>True where it was stopped before its end.</summary>
    public bool IsStopped => Job.StoppedAfter is not null && Checkpoint is not null;

    /// <summary>What the canvas was before the first step, and its cosine to the prompt, where <see cref="Outputs.Compares"/>.</summary>
    public (Picture Picture, double Similarity)? Before { get; init; }

    /// <summary>Cosine of the finished picture to the prompt, where <see cref="Outputs.Compares"/>.</summary>
    public double Similarity { get; init; } = double.NaN;
}
