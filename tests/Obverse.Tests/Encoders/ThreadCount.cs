using Obverse.Torch;

namespace Obverse.Tests.Encoders;

/// <summary>So many threads until it is disposed of, whatever a test does in between.</summary>
internal sealed class ThreadCount : IDisposable
{
    private readonly int before = Runtime.Threads;

    public ThreadCount(int threads) => Runtime.Threads = threads;

    public void Dispose() => Runtime.Threads = before;
}
