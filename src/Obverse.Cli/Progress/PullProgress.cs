using System.Diagnostics;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;

namespace Obverse.Cli;

/// <summary>Progress of a pull in bytes, speed and time left: a line updated in place on a terminal, a line every few seconds in a log, JSON objects with --json.</summary>
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
        next = json || screen.IsLive ? 0 : 5; // no line in a log for short pulls
        Callback = new HubProgress(Show);
    }

    public HubProgress Callback { get; }

    public void Dispose()
    {
        if (drawn) screen.Error.Write("\r\e[K");
        drawn = false;
    }

    private void Show(HubProgress at)
    {
        if (at.Remark is { } text)
        {
            if (text == remark) return;
            remark = text;
            Dispose();
            if (json) screen.Json(new { Event = "note", What = text });
            else screen.Note(text);
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

        screen.Redraw(line);
        drawn = true;
    }
}
