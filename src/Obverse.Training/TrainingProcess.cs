using Obverse.Torch;

namespace Obverse.Training;

/// <summary>What training asks of the process while it is open: so many threads, and that a step's memory is kept for the next (docs/speed.md).</summary>
internal sealed class TrainingProcess : IDisposable
{
    private readonly int threads = Runtime.Threads;
    private readonly HeapGrowth heap = new();

    public TrainingProcess(int threads)
    {
        Runtime.Threads = threads;
        Runtime.ReuseLargeBlocks();
    }

    /// <summary>To be called after each update.</summary>
    public void AfterStep() => heap.AfterStep();

    public void Dispose() => Runtime.Threads = threads;
}
