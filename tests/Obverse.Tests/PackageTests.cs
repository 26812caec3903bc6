using System.Diagnostics;
using System.IO.Compression;
using Xunit;

namespace Obverse.Tests;

public class PackageTests
{
    [SkippableFact]
    public void Packages_carry_docs_licence_readme_and_the_shims_source()
    {
        // The configuration that the tests were built in: what `--no-build` finds.
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        var folder = Directory.CreateTempSubdirectory("obverse-").FullName;
        try
        {
            foreach (var project in new[] { "Obverse.Torch", "Obverse.Models", "Obverse", "Obverse.Training", "Obverse.Evaluation" })
            {
                using var pack = Process.Start(new ProcessStartInfo("dotnet", ["pack", Path.Combine(Fixtures.RepositoryRoot, "src", project), "-c", configuration, "--no-build", "-o", folder, "-v", "quiet", "--nologo", "-nodeReuse:false"]) { RedirectStandardOutput = true })!; // a node that stays would keep the pipe open
                var said = pack.StandardOutput.ReadToEnd();
                pack.WaitForExit();
                Assert.True(pack.ExitCode == 0, said);
                using var package = ZipFile.OpenRead(Directory.GetFiles(folder, project + ".*.nupkg").Single(f => char.IsDigit(Path.GetFileName(f)[project.Length + 1])));
                var names = package.Entries.Select(e => e.FullName).ToList();
                Assert.Contains($"lib/net10.0/{project}.dll", names);
                Assert.Contains($"lib/net10.0/{project}.xml", names);
                Assert.Contains("README.md", names);
                using var manifest = new StreamReader(package.GetEntry(project + ".nuspec")!.Open());
                Assert.Contains("<license type=\"expression\">MIT</license>", manifest.ReadToEnd(), StringComparison.Ordinal);
                if (project == "Obverse.Torch") Assert.Contains("native/obverse_torch/obverse_torch.cpp", names);
            }
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }
}
