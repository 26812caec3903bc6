using System.Diagnostics;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>Standard output or error that is closed or full: the picture is drawn and saved, and the exit code tells whether its line was lost.</summary>
[Collection("command line")]
public class LostOutputTests
{
    [SkippableTheory]
    [InlineData("2>&-", 0)]
    [InlineData("2>/dev/full", 0)]
    [InlineData(">/dev/full", 1)]
    [InlineData(">&-", 1)]
    [InlineData(">/dev/full 2>/dev/full", 1)]
    [InlineData("--json >/dev/full", 1)]
    public void The_picture_is_drawn_and_saved(string how, int code)
    {
        Skip.IfNot(File.Exists("/dev/full"), "no /dev/full here");
        using var program = new Program();
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"exec dotnet \"$0\" invert 'a cat' --model \"$1\" --recipe pyramid --steps 2 --views 1 --size 32 --threads 1 -o \"$2\" {how}", typeof(Obverse.Cli.CommandLine).Assembly.Location, program.Model, program["cat.png"]]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        process.WaitForExit();
        Assert.True(process.ExitCode == code, $"{process.ExitCode}: {output.Result}{error.Result}");
        Assert.Equal(["cat.png"], program.Files);
        Assert.Equal(0, program.Run("replay", program["cat.png"], "--check").Code);
        if (!how.Contains("2>", StringComparison.Ordinal)) Assert.Contains("standard output cannot be written", error.Result, StringComparison.Ordinal);
    }
}
