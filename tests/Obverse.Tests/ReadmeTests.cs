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
        Run("FirstPicture.dll", (output, folder) =>
        {
            var similarity = Similarity().Match(output);
            Assert.True(similarity.Success, output);
            Assert.InRange(double.Parse(similarity.Groups[1].Value, CultureInfo.InvariantCulture), 0.4, 1); // 0.574 when written; 0.008 before the first step
            Assert.Equal((128, 128), Picture.Load(Path.Combine(folder, "cat.png")) is var picture ? (picture.Width, picture.Height) : default);
        });
    }

    [Fact]
    public void The_programs_of_the_library_page_are_those_that_are_compiled()
    {
        var page = File.ReadAllText(Path.Combine(Fixtures.RepositoryRoot, "docs", "library.md"));
        var files = Directory.EnumerateFiles(Path.Combine(Fixtures.RepositoryRoot, "samples", "Library"), "*.cs").Where(path => Path.GetFileName(path) != "Program.cs").Select(File.ReadAllText);
        Assert.Equal(files.Order(StringComparer.Ordinal), CSharp().Matches(page).Select(block => block.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    [SkippableFact]
    public void The_programs_of_the_library_page_run()
    {
        foreach (var model in (string[])["pocket-clip", "pocket-clipag", "pocket-judge", "pocket-sd"]) Skip.IfNot(Zoo.All.Contains(model), $"models/{model} is not in this checkout");
        Run("Obverse.Library.dll", (output, folder) =>
        {
            Assert.Contains("the same bytes", output, StringComparison.Ordinal);
            Assert.True(output.IndexOf("  apple", StringComparison.Ordinal) is > 0 and var at && output.IndexOf("FID (pocket-judge)", StringComparison.Ordinal) > at, output);
            foreach (var name in (string[])["mosaic.png", "variation.png", "mosaic-watercolour.png"]) Assert.True(Picture.Load(Path.Combine(folder, name)).Rgb.ToArray().Distinct().Count() > 16, name);
        });
    }

    private static void Run(string program, Action<string, string> check)
    {
        var folder = Directory.CreateTempSubdirectory("obverse-").FullName;
        try
        {
            var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, program)]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
            start.Environment["OBVERSE_ZOO"] = Zoo.Folder;
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, errors.Result);
            check(output, folder);
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
