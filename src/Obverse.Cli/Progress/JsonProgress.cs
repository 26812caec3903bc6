using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>One JSON object per step.</summary>
internal sealed class JsonProgress(Screen screen) : ProgressView(screen)
{
    public override void During(Action<Action<StepEvent>> work) => work(at => Screen.Json(new
    {
        Event = at.Phase, Prompt = at.Title, Step = at.Done, Of = at.Step.Count, Loss = double.IsNaN(at.Step.Loss) ? (double?)null : at.Step.Loss, Similarity = double.IsNaN(at.Step.Similarity) ? (double?)null : at.Step.Similarity,
        StepsPerSecond = Finite(at.StepsPerSecond), SecondsLeft = Finite(at.SecondsLeft),
    }));

    private static double? Finite(double value) => double.IsFinite(value) ? Math.Round(value, 3) : null;
}
