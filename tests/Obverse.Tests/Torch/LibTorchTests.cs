using System.Diagnostics;
using System.Runtime.InteropServices;
using Obverse.Jobs;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Torch;

/// <summary>Where there is no libtorch, or another, or a machine that it does not run on: one line that says what is wanted.</summary>
public class LibTorchTests
{
    [Theory]
    [InlineData("linux-musl-x64", Architecture.X64, true, "musl")]
    [InlineData("linux-x64", Architecture.X64, false, "AVX2")]
    [InlineData("linux-x64", Architecture.X64, true, null)]
    [InlineData("osx-arm64", Architecture.Arm64, false, null)]
    public void A_machine_that_will_not_do_is_told_why(string rid, Architecture architecture, bool hasAvx2, string? named)
    {
        var told = LibTorch.Unsupported(rid, architecture, hasAvx2);
        if (named is null) Assert.Null(told);
        else Assert.Contains(named, told, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_libtorch_is_one_line()
    {
        using var folder = new TemporaryFolder();
        Told($"OBVERSE_LIBTORCH={folder.Path}: no ", ("OBVERSE_LIBTORCH", folder.Path));
    }

    [Fact]
    public void Another_libtorch_is_one_line()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "libc10.so", "libtorch_cpu.so" }) File.CreateSymbolicLink(Path.Combine(folder.Path, name), Path.Combine(Runtime.Folder, "libc10.so")); // a library of its name, without its functions
        Told("a libtorch before 2.10", ("OBVERSE_LIBTORCH", folder.Path));
    }

    [Fact]
    public void A_damaged_libtorch_is_one_line()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "libc10.so", "libtorch_cpu.so" }) File.WriteAllText(Path.Combine(folder.Path, name), "not a library");
        Told("could not be loaded", ("OBVERSE_LIBTORCH", folder.Path));
    }

    [Fact]
    public void A_processor_without_AVX2_is_one_line()
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64) return;
        Told("no AVX2", ("DOTNET_EnableAVX2", "0"));
    }

    [Fact]
    public void What_libtorch_says_of_an_error_reaches_nobody()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var folder = new TemporaryFolder();
        var said = Path.Combine(folder.Path, "stderr");
        using var scope = new TensorScope();
        var (a, b) = (Tensor.Ones([2]), Tensor.Ones([3]));
        var kept = dup(2); // native code writes to the descriptor, not to .NET's writer
        using (var file = File.Create(said)) _ = dup2((int)file.SafeFileHandle.DangerousGetHandle(), 2);
        try { Assert.Throws<TorchException>(() => a.Matmul(b)); }
        finally
        {
            _ = dup2(kept, 2);
            _ = close(kept);
        }

        Assert.DoesNotContain("xception", File.ReadAllText(said), StringComparison.Ordinal);
    }

    [DllImport("libc")]
    private static extern int dup(int descriptor);

    [DllImport("libc")]
    private static extern int dup2(int from, int to);

    [DllImport("libc")]
    private static extern int close(int descriptor);

    [Fact]
    public void Large_blocks_are_used_again_where_a_canvas_asks_for_it()
    {
        Runtime.ReuseLargeBlocks();
        var sets = OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("MALLOC_MMAP_THRESHOLD_") is null;
        Assert.Equal(sets ? 32 << 20 : 0, ProcessMemory.LargestReused);
    }

    private static void Told(string expected, (string Name, string Value) variable)
    {
        var (code, error) = Run(["info"], variable);
        Assert.Equal(1, code);
        Assert.StartsWith("obverse: ", error);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Single(error.Trim().Split('\n'));
    }

    private static (int Code, string Error) Run(string[] args, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true, RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Obverse.Cli.dll"));
        foreach (var arg in args) start.ArgumentList.Add(arg);
        foreach (var (name, value) in variables) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error.Result);
    }
}
