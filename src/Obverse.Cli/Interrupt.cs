namespace Obverse.Cli;

/// <summary>Ctrl-C: the first asks to stop after the step at hand, the second ends the program at once.</summary>
internal sealed class Interrupt : IDisposable
{
    private readonly CancellationTokenSource source = new();

    public Interrupt() => Console.CancelKeyPress += Pressed;

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        Console.CancelKeyPress -= Pressed;
        source.Dispose();
    }

    private void Pressed(object? sender, ConsoleCancelEventArgs pressed)
    {
        if (source.IsCancellationRequested) return;
        pressed.Cancel = true;
        source.Cancel();
    }
}
