using System.Diagnostics;
using System.Globalization;

namespace Obverse.Bench;

internal static class Timing
{
    /// <summary>Median seconds of a call, after two calls to warm up.</summary>
    public static double Median(int repeats, Action body)
    {
        body();
        body();
        return Enumerable.Range(0, repeats).Select(_ =>
        {
            var watch = Stopwatch.StartNew();
            body();
            return watch.Elapsed.TotalSeconds;
        }).Order().ElementAt(repeats / 2);
    }

    /// <summary>Prints a call's least seconds and least processor seconds, after another that warms up: where others compute beside it, the least disturbed one.</summary>
    public static void Least(int repeats, Action warm, Action body, string prefix = "")
    {
        warm();
        var (wall, processor) = (double.MaxValue, double.MaxValue);
        for (var i = 0; i < repeats; i++)
        {
            var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            body();
            (wall, processor) = (Math.Min(wall, watch.Elapsed.TotalSeconds), Math.Min(processor, (Environment.CpuUsage.TotalTime - before).TotalSeconds));
        }

        Print(prefix + "seconds", wall);
        Print(prefix + "cpu_seconds", processor);
    }

    /// <summary>The least processor seconds of a call, after one to warm up.</summary>
    public static double LeastProcessor(int repeats, Action body)
    {
        body();
        return Enumerable.Range(0, repeats).Min(_ =>
        {
            var before = Environment.CpuUsage.TotalTime;
            body();
            return (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        });
    }

    /// <summary>The largest resident set since the process began, or since it was reset (Linux).</summary>
    public static double PeakMegabytes() => Status("VmHWM");

    public static double ResidentMegabytes() => Status("VmRSS");

    /// <summary>Of the resident memory, pages of files: the libraries' code as it is first run, and mapped weights.</summary>
    public static double FileMegabytes() => Status("RssFile");

    public static void ResetPeak() => File.WriteAllText("/proc/self/clear_refs", "5");

    /// <summary>"name value" on a line of its own, for run.sh.</summary>
    public static void Print(string name, double value) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {value:g5}"));

    private static double Status(string field) => double.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith(field, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
}
