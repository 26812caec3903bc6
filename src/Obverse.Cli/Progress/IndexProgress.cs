using System.Globalization;

namespace Obverse.Cli;

/// <summary>How far the making of an index is, pictures a second and the time left.</summary>
internal sealed class IndexProgress(Screen screen, bool json) : IDisposable
{
    private readonly StatusLine status = new(screen, json);

    /// <param name="done">Of the pictures given.</param>
    /// <param name="of">How many were given.</param>
    /// <param name="embedded">So many of <paramref name="done"/> were embedded: what was there already took no time.</param>
    public void Tell(int done, int of, int embedded)
    {
        if (!status.IsDue()) return;
        var (speed, left) = (embedded / status.Seconds, embedded > 0 ? (of - done) * status.Seconds / embedded : double.NaN);
        status.Show(
            string.Create(CultureInfo.InvariantCulture, $"{done} of {of} pictures  {speed:0.0} pictures/s  {Durations.Show(left)} left"),
            new { Event = "progress", Done = done, Of = of, PicturesPerSecond = Math.Round(speed, 2), SecondsLeft = double.IsFinite(left) ? Math.Round(left, 1) : (double?)null });
    }

    public void Dispose() => status.Dispose();
}
