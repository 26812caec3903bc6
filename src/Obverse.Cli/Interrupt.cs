using System.Diagnostics;
using System.Runtime.InteropServices;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>Ctrl-C (SIGTERM, SIGHUP): the first stops after the current step, a second one ends the program at once and removes half-written files.</summary>
internal sealed class Interrupt : IDisposable
{
    // What closes a terminal or stops a service sends several signals at once; a person who has lost patience comes later.
    private static readonly TimeSpan oneStop = TimeSpan.FromSeconds(0.5);

    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] signals;
    private readonly Lock gate = new();
    private long stopped;

    public Interrupt() => signals = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, Pressed))];

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        foreach (var signal in signals) signal.Dispose();
        source.Dispose();
    }

    private void Pressed(PosixSignalContext pressed)
    {
        pressed.Cancel = true;
        lock (gate) // each signal has a thread of its own
        {
            if (!source.IsCancellationRequested)
            {
                stopped = Stopwatch.GetTimestamp();
                source.Cancel();
                return;
            }

            if (Stopwatch.GetElapsedTime(stopped) < oneStop) return;
            AtomicFile.AbandonAll();
            FileLock.AbandonAll();
            if (!Console.IsErrorRedirected) Restore();
            End();
        }
    }

    private static void Restore()
    {
        try
        {
            Console.Error.Write("\e[?25h"); // the live view hides the cursor
        }
        catch (IOException)
        {
            // the terminal has gone
        }
    }

    // Not Environment.Exit: it runs what libraries do at their end, libtorch's among them, while other threads compute with it, and that is a segmentation fault.
    private static void End()
    {
        if (OperatingSystem.IsWindows()) Environment.Exit(1);
        else ExitNow(1);
    }

    [DllImport("libc", EntryPoint = "_exit")]
    private static extern void ExitNow(int code);
}
