namespace Obverse.Torch;

/// <summary>What libtorch this is, and its threads.</summary>
public static class Runtime
{
    public static string Version => Library.Text(Library.ob_version());

    /// <summary>libtorch's own description of its build: BLAS, OpenMP, CPU capability, threads.</summary>
    public static string Build => Library.Text(Library.ob_build());

    public static bool HasCuda => Library.ob_has_cuda() != 0;

    /// <summary>The file of the native shim in use.</summary>
    public static string NativePath
    {
        get
        {
            _ = Version;
            return Library.Path;
        }
    }

    /// <summary>Threads that one operator may use.</summary>
    public static int Threads
    {
        get => Library.ob_threads(0);
        set => Library.ob_threads(value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "at least one thread"));
    }
}
