using System.Diagnostics;
using System.Globalization;

namespace Obverse.Cli;

/// <summary>For logs: a plain line at the start, now and then, and at the end.</summary>
internal sealed class LineProgress(Screen screen) : ProgressView(screen)
{
    private const double EverySeconds = 5;

    public override void During(Action<Action<Moment>> work)
    {
        var watch = Stopwatch.StartNew();
        var next = 0.0;
        work(moment =>
        {
            if (moment.Done < moment.Step.Of && watch.Elapsed.TotalSeconds < next) return;
            next = watch.Elapsed.TotalSeconds + EverySeconds;
            Screen.Error.WriteLine(Line(moment));
        });
    }

    public static string Line(Moment moment) => string.Create(CultureInfo.InvariantCulture,
        $"{moment.Event} {moment.Done}/{moment.Step.Of}  loss {moment.Step.Loss:0.0000}{moment.Similarity}  {moment.Pace}");
}
