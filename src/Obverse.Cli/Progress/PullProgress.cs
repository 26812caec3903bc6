using System.Diagnostics;
using Obverse.Files;
using Obverse.Models;

namespace Obverse.Cli;

/// <summary>A pull's bytes, speed and time left: a line drawn over itself on a terminal, now and then a line in a log, JSON objects for programs.</summary>
internal sealed class PullProgress : IDisposable
{
    private readonly Screen screen;
    private readonly bool json;
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private double next;
    private bool drawn;
    private string? remark;

    public PullProgress(Screen screen, bool json)
    {
        (this.screen, this.json) = (screen, json);
        next = json || screen.IsLive ? 0 : 5; // a log hears nothing of what is quick
        Told = new HubProgress(Tell);
    }

    public HubProgress Told { get; }

    public void Dispose()
    {
        if (drawn) screen.Error.Write("\r\e[K");
        drawn = false;
    }

    private void Tell(HubProgress at)
    {
        if (at.Remark is { } said)
        {
            if (said == remark) return;
            remark = said;
            Dispose();
            if (json) screen.Json(new { Event = "note", What = said });
            else screen.Note(said);
            return;
        }

        var now = watch.Elapsed.TotalSeconds;
        if (now < next) return;
        next = now + (json ? 0.5 : screen.IsLive ? 0.2 : 5);
        var speed = at.BytesPerSecond;
        if (json)
        {
            screen.Json(new { Event = "progress", at.File, at.Done, at.Of, BytesPerSecond = double.IsFinite(speed) ? Math.Round(speed) : (double?)null, SecondsLeft = double.IsFinite(at.SecondsLeft) ? Math.Round(at.SecondsLeft, 1) : (double?)null });
            return;
        }

        var line = $"{at.File}  {Sizes.Show(at.Done)} of {Sizes.Show(at.Of)} in {at.Files} files{(double.IsFinite(speed) && speed > 0 ? $"  {Sizes.Show(speed)}/s  {Durations.Show(at.SecondsLeft)} left" : "")}";
        if (!screen.IsLive)
        {
            screen.Note(line);
            return;
        }

        screen.Error.Write("\r\e[K" + line);
        drawn = true;
    }
}
