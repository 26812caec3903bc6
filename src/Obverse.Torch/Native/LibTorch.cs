using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Obverse.Torch;

/// <summary>libtorch could not be loaded, or it is not the one that is wanted; the message says what is, in one line.</summary>
public sealed class LibTorchException(string message, Exception? inner = null) : DllNotFoundException(message, inner);

/// <summary>
/// Finds and opens libtorch once: where <c>OBVERSE_LIBTORCH</c> says, else where the package reference put it. No function of it may be called
/// before <see cref="Ensure"/>, which says in one line what is missing.
/// </summary>
internal static class LibTorch
{
    /// <summary>Major and minor of the release that the operators' schemas (Ops/schemas.txt) and the layout of calls belong to.</summary>
    public const string Wanted = "2.10";

    private static readonly Lock opening = new();
    private static volatile bool isOpen;
    private static LibTorchException? failure;

    /// <summary>The folder it was found in.</summary>
    public static string Folder { get; private set; } = "";

    public static nint Core { get; private set; }
    public static nint Cpu { get; private set; }
    public static bool HasCuda { get; private set; }

    public static void Ensure()
    {
        if (isOpen) return;
        lock (opening)
        {
            if (isOpen) return;
            if (failure is not null) throw new LibTorchException(failure.Message, failure);
            try { Open(); }
            catch (LibTorchException e)
            {
                failure = e;
                throw;
            }

            isOpen = true;
        }
    }

    /// <summary>What this machine lacks to run libtorch's CPU build; null: nothing.</summary>
    public static string? Unsupported(string rid, Architecture architecture, bool hasAvx2)
    {
        if (rid.Contains("musl", StringComparison.Ordinal)) return $"libtorch is built for glibc, and this system ({rid}) has musl; a Debian, Ubuntu, Fedora or other glibc system is wanted";
        if (architecture == Architecture.X64 && !hasAvx2) return "this processor has no AVX2, which libtorch's kernels are wanted with (Intel Haswell of 2013, AMD Excavator of 2015 or later)";
        return null;
    }

    private static void Open()
    {
        if (Unsupported(RuntimeInformation.RuntimeIdentifier, RuntimeInformation.ProcessArchitecture, Avx2.IsSupported) is { } lack) throw new LibTorchException(lack);
        var named = Environment.GetEnvironmentVariable("OBVERSE_LIBTORCH");
        Folder = named is { Length: > 0 } ? InNamed(named) : Places().FirstOrDefault(place => File.Exists(Path.Combine(place, CpuFile)))
            ?? throw new LibTorchException($"{CpuFile} was found neither beside the program ({AppContext.BaseDirectory}) nor among its packages; add the package libtorch-cpu-{Rid} {Wanted}.0, or name a folder by OBVERSE_LIBTORCH=DIR");
        ProcessMemory.Prepare();
        Core = Load(Path.Combine(Folder, CoreFile));
        Cpu = Load(Path.Combine(Folder, CpuFile));
        CheckVersion();
        var cuda = Path.Combine(Folder, CudaFile);
        if (File.Exists(cuda))
        {
            Load(cuda); // its kernels register themselves
            HasCuda = true;
        }

        Quieten();
    }

    private static string InNamed(string named)
    {
        foreach (var place in new[] { named, Path.Combine(named, "lib") })
        {
            if (File.Exists(Path.Combine(place, CpuFile))) return Path.GetFullPath(place);
        }

        throw new LibTorchException($"OBVERSE_LIBTORCH={named}: no {CpuFile} there, nor in its lib/; the unpacked libtorch {Wanted} is wanted, or the variable unset");
    }

    private static nint Load(string path)
    {
        try { return NativeLibrary.Load(path); }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new LibTorchException($"{path}: could not be loaded: {e.Message.Split('\n')[0]}", e);
        }
    }

    private static unsafe void CheckVersion()
    {
        if (!NativeLibrary.TryGetExport(Cpu, "aoti_torch_abi_version", out var address) || !NativeLibrary.TryGetExport(Cpu, "torch_call_dispatcher", out _))
        {
            throw new LibTorchException($"{Path.Combine(Folder, CpuFile)}: a libtorch before {Wanted}, which has not the C functions that are called; {Wanted} is wanted");
        }

        var version = ((delegate* unmanaged<ulong>)address)();
        var (major, minor) = ((int)(version >> 56), (int)(version >> 48 & 0xFF));
        Version = $"{major}.{minor}.{version >> 40 & 0xFF}";
        if ($"{major}.{minor}" != Wanted) throw new LibTorchException($"{Path.Combine(Folder, CpuFile)}: libtorch {Version}; {Wanted} is wanted, as operators change between releases");
    }

    public static string Version { get; private set; } = "";

    // libtorch prints every error with a stack of addresses before it returns a code. Its log level is read by initLogging alone, which nobody calls for us.
    private static unsafe void Quieten()
    {
        ProcessMemory.SetVariable("TORCH_CPP_LOG_LEVEL", "FATAL");
        if (NativeLibrary.TryGetExport(Core, Mangled.InitLogging, out var address)) ((delegate* unmanaged<void>)address)();
    }

    // Beside the program, in the folders of its packages (the host knows them), and in runtimes/ as a build without a runtime identifier has them.
    private static IEnumerable<string> Places()
    {
        yield return AppContext.BaseDirectory;
        yield return Path.Combine(AppContext.BaseDirectory, "runtimes", Rid, "native");
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string folders)
        {
            foreach (var folder in folders.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)) yield return folder;
        }
    }

    private static string Rid => $"{(OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";

    private static string CoreFile => FileName("c10");
    private static string CpuFile => FileName("torch_cpu");
    private static string CudaFile => FileName("torch_cuda");

    private static string FileName(string name) => OperatingSystem.IsWindows() ? $"{name}.dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";
}
