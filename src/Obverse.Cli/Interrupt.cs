using System.Runtime.InteropServices;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>Ctrl-C (or SIGTERM): the first stops after the current step, the second ends the program at once and removes half-written files.</summary>
internal sealed class Interrupt : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] signals;

    public Interrupt() => signals = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Pressed), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Pressed)];

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        foreach (var signal in signals) signal.Dispose();
        source.Dispose();
    }

    private void Pressed(PosixSignalContext pressed)
    {
        pressed.Cancel = true;
        if (!source.IsCancellationRequested)
        {
            source.Cancel();
            return;
        }

        AtomicFile.AbandonAll();
        if (!Console.IsErrorRedirected) Console.Error.Write("\e[?25h"); // the live view hides the cursor
        Environment.Exit(1);
    }
}
