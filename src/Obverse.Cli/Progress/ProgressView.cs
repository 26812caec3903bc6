using System.Globalization;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>Shows the progress of a job.</summary>
internal abstract class ProgressView(Screen screen)
{
    protected Screen Screen => screen;

    public static ProgressView For(Screen screen, bool json) => json ? new JsonProgress(screen) : screen.IsLive ? new LiveProgress(screen) : new LineProgress(screen);

    /// <summary>Runs work that reports every step.</summary>
    public abstract void During(Action<Action<StepEvent>> work);

    /// <summary>Reads a job's events and returns the last; <paramref name="onStart"/> is called once the models are loaded.</summary>
    public JobFinished Watch(IAsyncEnumerable<JobEvent> events, Action<Job>? onStart = null) => Watch<JobFinished>(events, onStart);

    /// <summary>The same of jobs that end with another event.</summary>
    public T Watch<T>(IAsyncEnumerable<JobEvent> events, Action<Job>? onStart = null) where T : JobEvent
    {
        T? finished = null;
        // The stream is computed on this thread, event by event: nothing is ever waited for.
        var at = events.GetAsyncEnumerator();
        try
        {
            if (!Next() || at.Current is not JobStarted started) throw new InvalidOperationException("a job's first event was wanted");
            onStart?.Invoke(started.Job);
            During(report =>
            {
                while (Next())
                {
                    if (at.Current is StepEvent step) report(step);
                    if (at.Current is T last) finished = last;
                }
            });
        }
        finally
        {
            at.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        return finished!;

        bool Next() => at.MoveNextAsync().AsTask().GetAwaiter().GetResult();
    }

    /// <summary>"7.9 steps/s  12 s left"; empty before there is a speed.</summary>
    protected static string Speed(StepEvent step) => double.IsFinite(step.StepsPerSecond) ? string.Create(CultureInfo.InvariantCulture, $"{step.StepsPerSecond:0.0} steps/s  {Durations.Show(step.SecondsLeft)} left") : "";

    /// <summary>"loss 0.1234"; empty where a step has none.</summary>
    protected static string Loss(StepEvent step) => double.IsNaN(step.Step.Loss) ? "" : string.Create(CultureInfo.InvariantCulture, $"  loss {step.Step.Loss:0.0000}");

    protected static string Similarity(StepEvent step) => double.IsNaN(step.Step.Similarity) ? "" : string.Create(CultureInfo.InvariantCulture, $"  similarity {step.Step.Similarity:0.000}");
}
