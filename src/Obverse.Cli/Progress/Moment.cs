using System.Globalization;
using Obverse.Imaging;
using Obverse.Models;

namespace Obverse.Cli;

/// <summary>Where a drawing is after a step.</summary>
/// <param name="Picture">Renders it as it is now.</param>
/// <param name="StepsPerSecond">Over the last steps.</param>
internal sealed record Moment(string Title, Step Step, double StepsPerSecond, Func<Picture> Picture)
{
    public int Done => Step.Index + 1;

    /// <summary>"fit" while the canvas is fitted to the picture that the run begins with.</summary>
    public string Event { get; init; } = "step";
    /// <summary>"7.9 steps/s  12 s left"; empty before there is a speed.</summary>
    public string Pace => double.IsFinite(StepsPerSecond) ? string.Create(CultureInfo.InvariantCulture, $"{StepsPerSecond:0.0} steps/s  {Durations.Show(SecondsLeft)} left") : "";
    public string Similarity => double.IsNaN(Step.Similarity) ? "" : string.Create(CultureInfo.InvariantCulture, $"  similarity {Step.Similarity:0.000}");
    public double SecondsLeft => (Step.Of - Done) / StepsPerSecond;
}

/// <summary>Shows a drawing being made.</summary>
internal abstract class ProgressView(Screen screen)
{
    protected Screen Screen => screen;

    public static ProgressView For(Screen screen, bool json) => json ? new JsonProgress(screen) : screen.IsLive ? new LiveProgress(screen) : new LineProgress(screen);

    /// <summary>Runs something that tells of every step.</summary>
    public abstract void During(Action<Action<Moment>> work);
}
