using System.Diagnostics;
using System.Globalization;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>For logs: a plain line at the start, every few seconds, and at the end.</summary>
internal sealed class LineProgress(Screen screen) : ProgressView(screen)
{
    private const double EverySeconds = 5;

    public override void During(Action<Action<StepEvent>> work)
    {
        var watch = Stopwatch.StartNew();
        var next = 0.0;
        work(at =>
        {
            if (at.Done < at.Step.Count && watch.Elapsed.TotalSeconds < next) return;
            next = watch.Elapsed.TotalSeconds + EverySeconds;
            Screen.Progress(Line(at));
        });
    }

    public static string Line(StepEvent at) => string.Create(CultureInfo.InvariantCulture,
        $"{at.Phase} {at.Done}/{at.Step.Count}{Loss(at)}{Similarity(at)}  {Speed(at)}");
}
