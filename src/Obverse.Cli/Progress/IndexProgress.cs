using System.Globalization;
using Obverse.Jobs;
using Obverse.Retrieval;

namespace Obverse.Cli;

/// <summary>Progress of an index build: pictures, speed and time left.</summary>
internal sealed class IndexProgress(Screen screen, bool json) : IDisposable
{
    private readonly StatusLine status = new(screen, json);

    public void Report(IndexBuildProgress at)
    {
        if (!status.IsDue()) return;
        var (speed, left) = (at.Embedded / status.Seconds, at.Embedded > 0 ? (at.Of - at.Done) * status.Seconds / at.Embedded : double.NaN);
        status.Show(
            string.Create(CultureInfo.InvariantCulture, $"{at.Done} of {at.Of} pictures  {speed:0.0} pictures/s  {Durations.Show(left)} left"),
            new { Event = "progress", at.Done, at.Of, PicturesPerSecond = Math.Round(speed, 2), SecondsLeft = double.IsFinite(left) ? Math.Round(left, 1) : (double?)null });
    }

    public void Note(string line)
    {
        status.Dispose();
        screen.Note(line);
    }

    public void Dispose() => status.Dispose();
}
