using Obverse.Files;

namespace Obverse.Cli;

/// <summary>The name of a file that this process alone writes: the one that was asked for, or the first that is free.</summary>
internal sealed class OutputName : IDisposable
{
    private readonly FileLock held;

    private OutputName(string path, FileLock held) => (Path, this.held) = (path, held);

    public string Path { get; }

    /// <exception cref="IOException">Another process is writing it.</exception>
    public static OutputName Asked(string path) => new(path, FileLock.Take(path));

    /// <summary>The path, or with "-2", "-3" … where that is taken, by a file or by another process.</summary>
    public static OutputName Free(string path, Func<string, bool>? isTaken = null)
    {
        isTaken ??= System.IO.Path.Exists;
        for (var number = 1; ; number++)
        {
            var free = number == 1 ? path : FileNames.Beside(path, $"-{number}");
            if (isTaken(free) || FileLock.TryTake(free) is not { } held) continue;
            if (!isTaken(free)) return new(free, held);
            held.Dispose(); // it was finished between the two
        }
    }

    public void Dispose() => held.Dispose();
}
