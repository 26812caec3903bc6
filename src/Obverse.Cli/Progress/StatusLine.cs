using System.Diagnostics;

namespace Obverse.Cli;

/// <summary>How far long work is: a line drawn over itself on a terminal, now and then a line in a log, JSON objects for programs. What is quick is not told of.</summary>
internal sealed class StatusLine(Screen screen, bool json) : IDisposable
{
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private double next = json || screen.IsLive ? 1 : 5;
    private bool drawn;

    public double Seconds => watch.Elapsed.TotalSeconds;

    /// <summary>True where it is time to tell again; <paramref name="always"/>: a program is told in any case.</summary>
    public bool IsDue(bool always = false)
    {
        if (Seconds < next && !(json && always)) return false;
        next = Seconds + (json ? 1 : screen.IsLive ? 0.25 : 10);
        return true;
    }

    /// <param name="line">For people.</param>
    /// <param name="facts">For programs.</param>
    public void Show(string line, object facts)
    {
        if (json) screen.Json(facts);
        else if (!screen.IsLive) screen.Note(line);
        else screen.Error.Write("\r\e[K" + line);
        drawn = screen.IsLive && !json;
    }

    /// <summary>Makes room for another line.</summary>
    public void Dispose()
    {
        if (drawn) screen.Error.Write("\r\e[K");
        drawn = false;
    }
}
