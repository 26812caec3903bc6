using System.Globalization;
using Obverse.Jobs;
using Obverse.Retrieval;

namespace Obverse.Cli;

/// <summary>Progress of a bank build: representations, speed and time left.</summary>
internal sealed class BankProgress(Screen screen, bool json) : IDisposable
{
    private readonly StatusLine status = new(screen, json);

    public double Seconds => status.Seconds;

    public void Report(InrBankProgress at)
    {
        if (!status.IsDue(always: at.BatchSize == 0)) return; // a batch is finished and saved
        var perHour = at.Finished > 0 ? at.Finished / Seconds * 3600 : double.NaN;
        var left = (at.Of - at.Finished) / perHour * 3600;
        status.Show(
            string.Create(CultureInfo.InvariantCulture, $"{at.Done} of {at.Of} representations{(double.IsNaN(at.Psnr) ? "" : $"  {at.Psnr:0.0} dB")}{(double.IsFinite(perHour) ? $"  {perHour:0} per hour  {Durations.Show(left)} left" : "")}"),
            new { Event = "progress", at.Done, at.Of, Finished = Math.Round(at.Finished, 2), Psnr = Finite(at.Psnr), PerHour = Finite(perHour), SecondsLeft = Finite(left) });
    }

    public void Note(string line)
    {
        status.Dispose();
        screen.Note(line);
    }

    public void Dispose() => status.Dispose();

    private static double? Finite(double value) => double.IsFinite(value) ? Math.Round(value, 2) : null;
}
