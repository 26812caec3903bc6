using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>A JSON object a step.</summary>
internal sealed class JsonProgress(Screen screen) : ProgressView(screen)
{
    public override void During(Action<Action<Moment>> work) => work(moment => Screen.Json(new
    {
        moment.Event, Prompt = moment.Title, Step = moment.Done, moment.Step.Of, moment.Step.Loss, Similarity = double.IsNaN(moment.Step.Similarity) ? (double?)null : moment.Step.Similarity,
        StepsPerSecond = Finite(moment.StepsPerSecond), SecondsLeft = Finite(moment.SecondsLeft),
    }));

    private static double? Finite(double value) => double.IsFinite(value) ? Math.Round(value, 3) : null;
}
