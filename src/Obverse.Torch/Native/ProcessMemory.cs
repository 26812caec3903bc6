using System.Runtime.InteropServices;

namespace Obverse.Torch;

/// <summary>What must be set in this process before libtorch is loaded, so that no launcher has to: how its threads wait, and that memory of one step is kept for the next.</summary>
internal static partial class ProcessMemory
{
    private const int TrimThreshold = -1, MmapThreshold = -3; // M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of glibc's malloc.h
    private const int LargestPossible = 32 << 20; // glibc's HEAP_MAX_SIZE / 2

    public static void Prepare()
    {
        // Threads that spin while they wait for work fight with everything else on the machine.
        if (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null) SetVariable("OMP_WAIT_POLICY", "passive");
        if (!OperatingSystem.IsLinux()) return;
        // glibc would hand a step's memory back and fault it in anew: a pyramid step took 14 to 30 % longer (bench/results).
        if (Environment.GetEnvironmentVariable("MALLOC_TRIM_THRESHOLD_") is null) _ = mallopt(TrimThreshold, int.MaxValue);
        // glibc before 2.38 seldom uses an aligned block again (its bug 14581), and libtorch aligns all of them: a pyramid's heap grew from 430 MB to 1.1 GB with blocks of 12 MB reused (2.36), and
        // stayed at 490 with 2.41.
        Reuse(Version.TryParse(Marshal.PtrToStringUTF8(gnu_get_libc_version()), out var glibc) && glibc < new Version(2, 38) ? 8 << 20 : LargestPossible);
    }

    /// <summary>Blocks of up to so many bytes are used again; larger ones are mapped anew each time. 0: nothing was set, because this is no Linux or a variable says what is wanted.</summary>
    public static int LargestReused { get; private set; }

    /// <summary>Blocks of up to 32 MB are used again, also where that costs memory. With larger ones too (M_MMAP_MAX 0) the heap grew from 2 to 4 and 5 GB over hundreds of steps (glibc 2.36).</summary>
    public static void ReuseLargeBlocks()
    {
        if (OperatingSystem.IsLinux()) Reuse(LargestPossible);
    }

    /// <summary>Free pages inside the C library's heap go back to the system.</summary>
    public static void ReturnFree()
    {
        if (OperatingSystem.IsLinux()) _ = malloc_trim(0);
    }

    private static void Reuse(int largest)
    {
        if (Environment.GetEnvironmentVariable("MALLOC_MMAP_THRESHOLD_") is null && mallopt(MmapThreshold, largest) == 1) LargestReused = largest;
    }

    /// <summary>Sets a variable where native code reads it: .NET's own setter changes a copy on Unix.</summary>
    public static void SetVariable(string name, string value)
    {
        if (OperatingSystem.IsWindows()) _ = _putenv_s(name, value);
        else _ = setenv(name, value, 0);
    }

    [LibraryImport("libc")] private static partial nint gnu_get_libc_version();
    [LibraryImport("libc")] private static partial int mallopt(int parameter, int value);
    [LibraryImport("libc")] private static partial int malloc_trim(nuint pad);
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)] private static partial int setenv(string name, string value, int overwrite);
    [LibraryImport("ucrtbase", StringMarshalling = StringMarshalling.Utf8)] private static partial int _putenv_s(string name, string value);
}
