using System.Runtime.InteropServices;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>The mathematics libraries that are really mapped into this process: links and search paths decide, not what is installed.</summary>
internal static class MathLibraries
{
    public static IReadOnlyList<string> Loaded() => Mapped(name => name.StartsWith("libopenblas", StringComparison.Ordinal) || name.StartsWith("libblas", StringComparison.Ordinal) || name.StartsWith("libmkl", StringComparison.Ordinal)
        || name.StartsWith("libatlas", StringComparison.Ordinal) || name.StartsWith("libblis", StringComparison.Ordinal));

    public static IReadOnlyList<string> OpenMP() => Mapped(name => name.StartsWith("libgomp", StringComparison.Ordinal) || name.StartsWith("libiomp", StringComparison.Ordinal) || name.StartsWith("libomp", StringComparison.Ordinal));

    /// <summary>For which processor OpenBLAS chose its kernels; null where it is not in use.</summary>
    public static unsafe string? OpenBlasCore() =>
        Loaded().FirstOrDefault(path => Path.GetFileName(path).StartsWith("libopenblas", StringComparison.Ordinal)) is { } library && NativeLibrary.TryLoad(library, out var handle) && NativeLibrary.TryGetExport(handle, "openblas_get_corename", out var ask)
            ? Marshal.PtrToStringAnsi(((delegate* unmanaged<nint>)ask)()) : null;

    private static IReadOnlyList<string> Mapped(Func<string, bool> wanted)
    {
        _ = Runtime.Version; // loads libtorch and all that it is linked with
        if (!File.Exists("/proc/self/maps")) return [];
        return [.. File.ReadLines("/proc/self/maps").Select(line => line.IndexOf('/') is >= 0 and var at ? line[at..] : "").Where(path => path.Length > 0 && wanted(Path.GetFileName(path))).Distinct()];
    }
}

/// <summary>The machine's name for its processor.</summary>
internal static class Machine
{
    public static string Processor => (File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() : null) ?? System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString();
}
