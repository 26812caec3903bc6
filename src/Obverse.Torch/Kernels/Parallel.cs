using System.Runtime.InteropServices;

namespace Obverse.Torch;

/// <summary>Kernels of ours on libtorch's own threads: a second pool beside it would fight for the cores.</summary>
internal static unsafe class Parallel
{
    /// <summary>Runs body(from, to) over parts of 0 … n, at least <paramref name="grain"/> each. It must not throw.</summary>
    public static void For(long n, long grain, Action<long, long> body)
    {
        if (n <= grain)
        {
            if (n > 0) body(0, n);
            return;
        }

        var held = GCHandle.Alloc(body);
        try { C.Check(C.ParallelFor(0, n, grain, &Part, GCHandle.ToIntPtr(held)), "parallel_for"); }
        finally { held.Free(); }
    }

    [UnmanagedCallersOnly]
    private static void Part(long from, long to, nint body) => ((Action<long, long>)GCHandle.FromIntPtr(body).Target!)(from, to);
}
