using System.Diagnostics;
using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Checkpoints;

/// <summary>What any input may cost, whatever it says of itself.</summary>
internal static class Hostile
{
    /// <summary>Of managed memory, of all that is thrown away too: a dictionary costs one byte of a pickle and 200 of memory.</summary>
    public const long ManagedGrowth = 256, ManagedAllowance = 1 << 20;

    // libtorch takes seconds to be loaded.
    static Hostile() => Tensor.Ones([1]).Dispose();

    /// <summary>The dearest input so far, in each currency: milliseconds, managed bytes, and bytes of tensors.</summary>
    public static (double Milliseconds, long Managed, long Tensors) Worst { get; private set; }

    /// <summary>Reads all of it; the message if it was refused, null if not. Any other exception, a second, or too much memory fails.</summary>
    public static string? Read(byte[] file)
    {
        var (before, watch) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.StartNew());
        var said = TryAll(file, out var tensors);
        var managed = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(watch.ElapsedMilliseconds < 1000, $"{watch.ElapsedMilliseconds} ms for {file.Length} bytes: {said}");
        Assert.True(managed <= ManagedGrowth * file.Length + ManagedAllowance, $"{managed} managed bytes for {file.Length}: {said}");
        Assert.True(tensors <= TorchArchive.Growth * file.Length + TorchArchive.Allowance, $"{tensors} bytes of tensors for {file.Length}");
        Worst = (Math.Max(Worst.Milliseconds, watch.Elapsed.TotalMilliseconds), Math.Max(Worst.Managed, managed), Math.Max(Worst.Tensors, tensors));
        return said;
    }

    public static string Refused(byte[] file) => Read(file) ?? throw new Xunit.Sdk.XunitException("it was read");

    private static string? TryAll(byte[] file, out long tensors)
    {
        tensors = 0;
        try
        {
            using var archive = TorchArchive.Open(file, "bytes");
            foreach (var name in archive.Names)
            {
                using var tensor = archive[name];
                tensors += tensor.Elements * Safetensors.ElementSize(tensor.DType);
            }

            return null;
        }
        catch (WeightsException refused)
        {
            return refused.Message;
        }
    }
}
