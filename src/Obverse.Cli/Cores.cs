using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>How --workers and --threads share the processor.</summary>
internal static class Cores
{
    /// <summary>Cores per picture when pictures are drawn one after another; null: all. With one worker: one.</summary>
    public static int? ThreadsOf(int? workers, int? threads) => threads ?? (workers is null ? null : 1);

    /// <summary>Pictures drawn in parallel: one core each, unless --threads gives one picture several.</summary>
    /// <exception cref="UsageException">Both were given.</exception>
    public static int WorkersOf(int? workers, int? threads) => workers is not null && threads is > 1
        ? throw new UsageException("give --workers (one core per picture) or --threads (several cores per picture), not both") : threads is not null ? 1 : workers ?? Environment.ProcessorCount;
}
