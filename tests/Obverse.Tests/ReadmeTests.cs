using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Xunit;

namespace Obverse.Tests;

public partial class ReadmeTests
{
    private static string Sample => Path.Combine(Fixtures.RepositoryRoot, "samples", "FirstPicture", "Program.cs");

    [Fact]
    public void The_READMEs_sample_is_the_one_that_is_compiled()
    {
        var readme = File.ReadAllText(Path.Combine(Fixtures.RepositoryRoot, "README.md"));
        Assert.Equal(File.ReadAllText(Sample), CSharp().Match(readme).Groups[1].Value);
    }

    [SkippableFact]
    public void The_READMEs_sample_draws_a_picture()
    {
        Skip.IfNot(Zoo.Names.Contains("pocket-clip"), "models/pocket-clip is not in this checkout");
        var folder = Directory.CreateTempSubdirectory("obverse-").FullName;
        try
        {
            var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "FirstPicture.dll")]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
            start.Environment["OBVERSE_ZOO"] = Zoo.Folder;
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, errors.Result);
            var similarity = Similarity().Match(output);
            Assert.True(similarity.Success, output);
            Assert.InRange(double.Parse(similarity.Groups[1].Value, CultureInfo.InvariantCulture), 0.4, 1); // 0.574 when written; 0.008 before the first step
            Assert.Equal((128, 128), Picture.Load(Path.Combine(folder, "cat.png")) is var picture ? (picture.Width, picture.Height) : default);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [GeneratedRegex(@"100/100  similarity (-?\d\.\d+)")]
    private static partial Regex Similarity();

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharp();
}
