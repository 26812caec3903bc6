using System.Diagnostics;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>What one small operator costs from C#, and what it leaves on the managed heap.</summary>
internal static class OpCost
{
    public static void Run()
    {
        Runtime.Threads = 1;
        using var still = new NoGrad();
        using var a = Tensor.Ones([4]);
        using var b = Tensor.Ones([4]);
        const int calls = 200_000;
        void Loop(int n)
        {
            for (var i = 0; i < n; i++)
            {
                using var sum = a + b;
            }
        }

        Loop(calls); // compiled, then compiled again
        Thread.Sleep(200);
        Loop(calls);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        Loop(calls);
        watch.Stop();
        Timing.Print("op_microseconds", watch.Elapsed.TotalMicroseconds / calls);
        Timing.Print("op_bytes", (GC.GetAllocatedBytesForCurrentThread() - before) / (double)calls);

        // In place: no result's handle, so no allocation at all.
        before = GC.GetAllocatedBytesForCurrentThread();
        watch.Restart();
        for (var i = 0; i < calls; i++) a.AddInPlace(b);
        Timing.Print("op_in_place_microseconds", watch.Elapsed.TotalMicroseconds / calls);
        Timing.Print("op_in_place_bytes", (GC.GetAllocatedBytesForCurrentThread() - before) / (double)calls);
    }
}
