using System.Diagnostics;

namespace Obverse.Fuzz;

/// <summary>What one input did: nothing wrong (<see cref="Wrong"/> is null), or an error nobody documented, too long, or too much memory.</summary>
internal sealed record Trial(string? Wrong, double Seconds, long Allocated, bool Accepted, Exception? Error)
{
    public const double LongestSeconds = 1;

    public static Trial Of(Target target, byte[] input)
    {
        var trial = Once(target, input);
        // A slow reader is slow every time.
        for (var again = 0; again < 2 && trial.Seconds > LongestSeconds; again++) trial = Once(target, input) is var next && next.Seconds < trial.Seconds ? next : trial;
        return trial.Wrong is null && trial.Seconds > LongestSeconds ? trial with { Wrong = $"took {trial.Seconds:0.0} s" } : trial;
    }

    private static Trial Once(Target target, byte[] input)
    {
        Exception? error = null;
        var before = GC.GetAllocatedBytesForCurrentThread();
        var (watch, busy) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        try
        {
            target.Read(input);
        }
        catch (Exception e)
        {
            error = e;
        }

        // On a busy machine much of the time is other processes'; one that waits for ever is the supervisor's to see.
        var seconds = Math.Min(Stopwatch.GetElapsedTime(watch).TotalSeconds, (Environment.CpuUsage.TotalTime - busy).TotalSeconds);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        string? wrong = null;
        if (error is not null && !target.Documented.Any(type => type.IsInstanceOfType(error))) wrong = $"{error.GetType().Name}: {error.Message.Split('\n')[0]}";
        else if (error is not null && error.Message.Contains('\n')) wrong = $"a message of several lines: {error.Message.ReplaceLineEndings(" / ")}";
        else if (allocated > target.Allowance(input.Length)) wrong = $"allocated {allocated} bytes for {input.Length}, at most {target.Allowance(input.Length)} wanted";
        return new(wrong, seconds, allocated, error is null, error);
    }
}
