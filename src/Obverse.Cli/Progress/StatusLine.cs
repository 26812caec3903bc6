using System.Diagnostics;

namespace Obverse.Cli;

/// <summary>Progress of long work: a line updated in place on a terminal, a line every few seconds in a log, JSON objects with --json. Short work shows none.</summary>
internal sealed class StatusLine(Screen screen, bool json) : IDisposable
{
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private double next = json || screen.IsLive ? 1 : 5;
    private bool drawn;

    public double Seconds => watch.Elapsed.TotalSeconds;

    /// <summary>True where the next report is due; <paramref name="always"/>: with --json in any case.</summary>
    public bool IsDue(bool always = false)
    {
        if (Seconds < next && !(json && always)) return false;
        next = Seconds + (json ? 1 : screen.IsLive ? 0.25 : 10);
        return true;
    }

    /// <param name="line">For a terminal or log.</param>
    /// <param name="facts">For --json.</param>
    public void Show(string line, object facts)
    {
        if (json) screen.Json(facts);
        else if (!screen.IsLive) screen.Note(line);
        else screen.Redraw(line);
        drawn = screen.IsLive && !json;
    }

    /// <summary>Clears the line on the terminal.</summary>
    public void Dispose()
    {
        if (drawn) screen.Error.Write("\r\e[K");
        drawn = false;
    }
}
