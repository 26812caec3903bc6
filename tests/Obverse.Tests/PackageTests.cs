using System.Diagnostics;
using System.IO.Compression;
using System.Runtime.InteropServices;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Xunit;

namespace Obverse.Tests;

/// <summary>The packages, as a stranger meets them: in a feed, from an empty project outside the repository, with nothing else installed or set.</summary>
public class PackageTests(LocalFeed feed) : IClassFixture<LocalFeed>
{
    [Theory]
    [InlineData("Obverse.Files")]
    [InlineData("Obverse.Imaging")]
    [InlineData("Obverse.Torch")]
    [InlineData("Obverse.Models")]
    [InlineData("Obverse")]
    [InlineData("Obverse.Training")]
    [InlineData("Obverse.Retrieval")]
    [InlineData("Obverse.Diffusion")]
    [InlineData("Obverse.Evaluation")]
    [InlineData("Obverse.Jobs")]
    public void A_package_carries_docs_symbols_licence_readme_and_icon(string name)
    {
        using var package = feed.Open(name, ".nupkg");
        string[] wanted = [$"lib/net10.0/{name}.dll", $"lib/net10.0/{name}.xml", "README.md", "icon.png", "NOTICE"];
        Assert.Superset(wanted.ToHashSet(), package.Entries.Select(e => e.FullName).ToHashSet());
        var manifest = LocalFeed.Text(package, name + ".nuspec");
        foreach (var said in new[] { "<license type=\"expression\">MIT</license>", "<readme>README.md</readme>", "<icon>icon.png</icon>", "<tags>clip ", "<description>" }) Assert.Contains(said, manifest, StringComparison.Ordinal);
        using var symbols = feed.Open(name, ".snupkg");
        Assert.Contains($"lib/net10.0/{name}.pdb", symbols.Entries.Select(e => e.FullName));
        if (name != "Obverse.Torch") return;
        foreach (var platform in new[] { "linux-x64", "win-x64", "osx-arm64" }) Assert.Contains($"<dependency id=\"libtorch-cpu-{platform}\"", manifest, StringComparison.Ordinal);
        Assert.Contains("buildTransitive/Obverse.Torch.targets", package.Entries.Select(e => e.FullName));
    }

    [Fact]
    public void The_zoos_package_holds_its_models_and_nothing_to_compile()
    {
        using var package = feed.Open("Obverse.Zoo", ".nupkg");
        var names = package.Entries.Select(e => e.FullName).Order(StringComparer.Ordinal).ToArray();
        var models = Path.Combine(Fixtures.RepositoryRoot, "models");
        Assert.Equal(Directory.GetFiles(models, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Fixtures.RepositoryRoot, file).Replace('\\', '/')).Order(StringComparer.Ordinal), names.Where(name => name.StartsWith("models/", StringComparison.Ordinal)));
        Assert.DoesNotContain(names, name => name.EndsWith(".dll", StringComparison.Ordinal));
        Assert.Contains("buildTransitive/Obverse.Zoo.targets", names);
        Assert.Contains("NOTICE", names);
    }

    [SkippableFact]
    public void An_empty_project_draws_the_READMEs_sample()
    {
        var project = feed.NewProject("first");
        var said = feed.Dotnet(project, "run");
        Assert.Contains("100/100  similarity 0.", said, StringComparison.Ordinal);
        Assert.Equal((128, 128), Picture.Load(Path.Combine(project, "cat.png")) is var picture ? (picture.Width, picture.Height) : default);
        // This machine's native libraries and no other's; of them, what is needed; each model once.
        var files = Directory.GetFiles(Path.Combine(project, "bin"), "*", SearchOption.AllDirectories);
        Assert.Contains($"{Path.DirectorySeparatorChar}{RuntimeInformation.RuntimeIdentifier}{Path.DirectorySeparatorChar}", Assert.Single(files, file => Path.GetFileName(file).Contains("torch_cpu", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Single(files, file => Path.GetFileName(file).StartsWith("libSkiaSharp.", StringComparison.Ordinal));
        Assert.DoesNotContain(files, file => Path.GetFileName(file).Contains("torch_python", StringComparison.Ordinal));
        foreach (var (model, weights) in new[] { ("pocket-clip", "open_clip_model"), ("pocket-clipag", "open_clip_model"), ("pocket-judge", "open_clip_model"), ("pocket-bank", "bank") }) Assert.Single(files, file => file.EndsWith(Path.Combine("models", model, weights + ".safetensors"), StringComparison.Ordinal));
    }

    [SkippableTheory]
    [InlineData("win-x64", "torch_cpu.dll", "c10.dll", "libSkiaSharp.dll")]
    [InlineData("osx-arm64", "libtorch_cpu.dylib", "libc10.dylib", "libSkiaSharp.dylib")]
    public void A_program_published_for_another_platform_has_its_native_libraries_and_no_others(string platform, params string[] libraries)
    {
        var project = feed.NewProject(platform);
        feed.Dotnet(project, "publish", "-r", platform, "-o", "out");
        var names = Directory.GetFiles(Path.Combine(project, "out"), "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Path.Combine(project, "out"), file)).ToArray();
        Assert.Superset(libraries.ToHashSet(), names.ToHashSet());
        foreach (var library in new[] { "torch_cpu.", "libSkiaSharp." }) Assert.Single(names, name => name.Contains(library, StringComparison.Ordinal));
        Assert.Single(names, name => name.EndsWith(Path.Combine("models", "pocket-clipag", "open_clip_model.safetensors"), StringComparison.Ordinal));
    }
}

/// <summary>All packages of this build under a version of their own, in a folder that NuGet takes for a source; and projects that know it.</summary>
public sealed class LocalFeed : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("obverse-packages-").FullName;
    private readonly string version = $"0.0.1-test.{DateTime.UtcNow:yyyyMMddHHmmss}"; // never in any cache

    public LocalFeed()
    {
        // What the tests were built with is packed as it is, by one process: a `dotnet pack` each takes longer.
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        var projects = string.Join(';', new[] { "Obverse.Files", "Obverse.Imaging", "Obverse.Torch", "Obverse.Models", "Obverse", "Obverse.Retrieval", "Obverse.Diffusion", "Obverse.Training", "Obverse.Evaluation", "Obverse.Jobs", "Obverse.Zoo" }.Select(name => Path.Combine(Fixtures.RepositoryRoot, "src", name, name + ".csproj")));
        var all = Path.Combine(folder, "all.proj");
        File.WriteAllText(all, $"""<Project><Target Name="Pack"><MSBuild Projects="{projects}" Targets="Pack" Properties="NoBuild=true;Configuration={configuration};Version={version};PackageOutputPath={folder}/feed;NuspecOutputPath={folder}/manifests/" /></Target></Project>""");
        Directory.CreateDirectory(Path.Combine(folder, "feed"));
        var (code, said) = Run(folder, "msbuild", all, "-t:Pack", "-v:quiet", "-nologo");
        if (code != 0) throw new InvalidOperationException(said);
        // The packages of this run go to a folder of their own; all others, libtorch above all, are taken from where the machine has them.
        var machine = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } named ? named : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        File.WriteAllText(Path.Combine(folder, "nuget.config"), $"""<configuration><packageSources><add key="this-build" value="{folder}/feed" /></packageSources><fallbackPackageFolders><add key="machine" value="{machine}" /></fallbackPackageFolders></configuration>""");
    }

    public ZipArchive Open(string name, string extension) => ZipFile.OpenRead(Path.Combine(folder, "feed", $"{name}.{version}{extension}"));

    public static string Text(ZipArchive package, string name)
    {
        using var reader = new StreamReader(package.GetEntry(name)!.Open());
        return reader.ReadToEnd();
    }

    /// <summary>What the README tells a newcomer to do: an empty console project, two packages, and its sample for a program.</summary>
    public string NewProject(string name)
    {
        var project = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
        Dotnet(project, "new", "console", "--no-restore", "--no-update-check");
        foreach (var package in new[] { "Obverse", "Obverse.Zoo" }) Dotnet(project, "add", "package", package, "--version", version);
        File.Copy(Path.Combine(Fixtures.RepositoryRoot, "samples", "FirstPicture", "Program.cs"), Path.Combine(project, "Program.cs"), overwrite: true);
        return project;
    }

    /// <summary>Runs `dotnet`, and gives what it said; skips the test where no package source answers.</summary>
    public string Dotnet(string project, params string[] arguments)
    {
        var (code, said) = Run(project, arguments);
        Skip.If(code != 0 && said.Contains("NU1301", StringComparison.Ordinal), "no NuGet source answers here: " + said);
        Assert.True(code == 0, $"dotnet {string.Join(' ', arguments)}: {said}");
        return said;
    }

    public void Dispose() => Directory.Delete(folder, true);

    private (int Code, string Said) Run(string at, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = at, RedirectStandardOutput = true, RedirectStandardError = true };
        // A stranger's environment: none of the launcher's settings, nor what the test runner sets for its own MSBuild.
        foreach (var name in start.Environment.Keys.Where(name => new[] { "OBVERSE_", "OMP_", "OPENBLAS_", "MALLOC_", "MSBUILD", "LD_LIBRARY_PATH", "DOTNET_TieredPGO" }.Any(own => name.StartsWith(own, StringComparison.OrdinalIgnoreCase))).ToArray()) start.Environment.Remove(name);
        // A node or compiler that stays would keep the pipes open, and this test waiting.
        (start.Environment["MSBUILDDISABLENODEREUSE"], start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"], start.Environment["UseSharedCompilation"]) = ("1", "0", "false");
        if (at != folder) start.Environment["NUGET_PACKAGES"] = Path.Combine(folder, "packages"); // packing reads what this repository restored
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }
}
