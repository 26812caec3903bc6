using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>How --workers and --threads share the processor.</summary>
internal static class Cores
{
    /// <summary>The cores that one picture has where pictures are drawn one by one; null: all. One worker was asked for: one.</summary>
    public static int? ThreadsOf(int? workers, int? threads) => threads ?? (workers is null ? null : 1);

    /// <summary>How many pictures are drawn side by side: a core each, unless one picture is to have several.</summary>
    /// <exception cref="UsageException">Both were given.</exception>
    public static int WorkersOf(int? workers, int? threads) => workers is not null && threads is > 1
        ? throw new UsageException("--workers gives every picture one core, --threads several: give one of them") : threads is not null ? 1 : workers ?? Environment.ProcessorCount;
}
