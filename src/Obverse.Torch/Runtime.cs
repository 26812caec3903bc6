namespace Obverse.Torch;

/// <summary>What libtorch this is, and its threads.</summary>
public static unsafe class Runtime
{
    /// <exception cref="LibTorchException">It could not be loaded; the message says what is wanted.</exception>
    public static string Version
    {
        get
        {
            LibTorch.Ensure();
            return LibTorch.Version;
        }
    }

    /// <summary>
    /// Keeps blocks of 8 to 32 MB for the next step also where the C library seldom finds a use for them (glibc before 2.38): for networks whose activations are of that size, 13 % less processor
    /// time for 7 % more memory (an f16 VQGAN at 256 px, docs/log). Nothing happens elsewhere, or where MALLOC_MMAP_THRESHOLD_ is set.
    /// </summary>
    public static void ReuseLargeBlocks()
    {
        LibTorch.Ensure();
        ProcessMemory.ReuseLargeBlocks();
    }

    /// <summary>
    /// Hands memory that nothing uses back to the system. Long work calls it now and then: what glibc before 2.38 cannot use again (its bug 14581) would else add up.
    /// </summary>
    public static void ReturnFreeMemory() => ProcessMemory.ReturnFree();

    /// <summary>The folder that libtorch was loaded from.</summary>
    public static string Folder
    {
        get
        {
            LibTorch.Ensure();
            return LibTorch.Folder;
        }
    }

    /// <summary>True where this libtorch was built with CUDA; whether there is a device shows at the first use.</summary>
    public static bool HasCuda
    {
        get
        {
            LibTorch.Ensure();
            return LibTorch.HasCuda;
        }
    }

    /// <summary>Threads that one operator may use, of the calling thread: each thread has a number of its own.</summary>
    public static int Threads
    {
        get
        {
            LibTorch.Ensure();
            uint threads;
            C.Check(C.Threads(&threads), "get_num_threads");
            return (int)threads;
        }
        set
        {
            LibTorch.Ensure();
            C.SetThreads(value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "at least one thread"));
        }
    }
}
