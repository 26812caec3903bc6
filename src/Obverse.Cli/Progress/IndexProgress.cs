using System.Diagnostics;
using System.Globalization;

namespace Obverse.Cli;

/// <summary>How far the making of an index is, pictures a second and the time left: a line drawn over itself on a terminal, now and then a line in a log, JSON objects for programs.</summary>
internal sealed class IndexProgress(Screen screen, bool json) : IDisposable
{
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private double next = json || screen.IsLive ? 1 : 5; // what is quick is not told of
    private bool drawn;

    /// <param name="done">Of the pictures given.</param>
    /// <param name="of">How many were given.</param>
    /// <param name="embedded">So many of <paramref name="done"/> were embedded: what was there already took no time.</param>
    public void Tell(int done, int of, int embedded)
    {
        var now = watch.Elapsed.TotalSeconds;
        if (now < next) return;
        next = now + (screen.IsLive && !json ? 0.25 : json ? 1 : 5);
        var (speed, left) = (embedded / now, embedded > 0 ? (of - done) * now / embedded : double.NaN);
        if (json)
        {
            screen.Json(new { Event = "progress", Done = done, Of = of, PicturesPerSecond = Math.Round(speed, 2), SecondsLeft = double.IsFinite(left) ? Math.Round(left, 1) : (double?)null });
            return;
        }

        var line = string.Create(CultureInfo.InvariantCulture, $"{done} of {of} pictures  {speed:0.0} pictures/s  {Durations.Show(left)} left");
        if (!screen.IsLive) screen.Note(line);
        else screen.Error.Write($"\r\e[K{line}");
        drawn = screen.IsLive;
    }

    public void Dispose()
    {
        if (drawn) screen.Error.Write("\r\e[K");
        drawn = false;
    }
}
