using System.Diagnostics;
using System.Globalization;

namespace Obverse.Cli;

/// <summary>A build's representations, their pace and the time left: a line drawn over itself on a terminal, now and then a line in a log, JSON objects for programs.</summary>
internal sealed class BankProgress(Screen screen, bool json) : IDisposable
{
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private double next = json || screen.IsLive ? 0 : 5; // a log hears nothing of what is quick
    private bool drawn;

    public double Seconds => watch.Elapsed.TotalSeconds;

    public void Tell(InrBankProgress at)
    {
        var now = Seconds;
        var ends = at.AtOnce == 0; // a batch is finished and kept
        if (now < next && !(json && ends)) return;
        next = now + (screen.IsLive && !json ? 0.25 : json ? 5 : 10);
        var perHour = at.Finished > 0 ? at.Finished / now * 3600 : double.NaN;
        var left = (at.Of - at.Finished) / perHour * 3600;
        if (json)
        {
            screen.Json(new { Event = "progress", at.Done, at.Of, Finished = Math.Round(at.Finished, 2), Psnr = Finite(at.Psnr), PerHour = Finite(perHour), SecondsLeft = Finite(left) });
            return;
        }

        var line = string.Create(CultureInfo.InvariantCulture, $"{at.Done} of {at.Of} representations{(double.IsNaN(at.Psnr) ? "" : $"  {at.Psnr:0.0} dB")}{(double.IsFinite(perHour) ? $"  {perHour:0} an hour  {Durations.Show(left)} left" : "")}");
        if (!screen.IsLive)
        {
            screen.Note(line);
            return;
        }

        screen.Error.Write("\r\e[K" + line);
        drawn = true;
    }

    /// <summary>Makes room for another line.</summary>
    public void Clear()
    {
        if (drawn) screen.Error.Write("\r\e[K");
        drawn = false;
    }

    public void Dispose() => Clear();

    private static double? Finite(double value) => double.IsFinite(value) ? Math.Round(value, 2) : null;
}
