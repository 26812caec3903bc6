using Obverse.Jobs;
using PublicApiGenerator;
using Xunit;

namespace Obverse.Tests;

/// <summary>What others may call, as text: a change of it is seen in the diff of <c>PublicApi/</c>, and never made by accident.</summary>
public class PublicApiTests
{
    public static TheoryData<string> Packages => new() { "Obverse.Files", "Obverse.Imaging", "Obverse.Torch", "Obverse.Models", "Obverse", "Obverse.Retrieval", "Obverse.Diffusion", "Obverse.Evaluation", "Obverse.Training", "Obverse.Jobs" };

    [Theory]
    [MemberData(nameof(Packages))]
    public void The_public_API_is_the_one_that_was_accepted(string package)
    {
        var file = Path.Combine(Fixtures.RepositoryRoot, "tests", "Obverse.Tests", "PublicApi", package + ".txt");
        var now = System.Reflection.Assembly.Load(package).GeneratePublicApi(new ApiGeneratorOptions { IncludeAssemblyAttributes = false }).ReplaceLineEndings("\n") + "\n";
        if (Environment.GetEnvironmentVariable("OBVERSE_ACCEPT_API") is { Length: > 0 })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, now);
            return;
        }

        var accepted = File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "";
        Assert.True(accepted == now, $"the public API of {package} has changed:\n\n{string.Join('\n', Changes(accepted.Split('\n'), now.Split('\n')))}\n\nIf it was meant to: OBVERSE_ACCEPT_API=1 ./test.sh --filter PublicApiTests, and commit PublicApi/{package}.txt.");
    }

    [Fact]
    public void A_change_is_told_by_its_lines_each_under_its_type()
    {
        string[] before = ["    public class A", "        int X", "        int Y", "    public class B", "        int Z"];
        Assert.Equal(["      public class A", "-         int Y", "      public class B", "+         int W"], Changes(before, [before[0], before[1], before[3], before[4], "        int W"]));
        Assert.Empty(Changes(before, before));
    }

    /// <summary>Lines that went (-) and that came (+), each after the type it is in.</summary>
    internal static IEnumerable<string> Changes(string[] before, string[] after)
    {
        // The longest common subsequence from each pair of lines on: a few thousand lines square.
        var (start, ends) = (0, 0);
        while (start < before.Length && start < after.Length && before[start] == after[start]) start++;
        while (ends < before.Length - start && ends < after.Length - start && before[^(ends + 1)] == after[^(ends + 1)]) ends++;
        var (old, @new) = (before[start..^ends], after[start..^ends]);
        var common = new int[old.Length + 1, @new.Length + 1];
        for (var i = old.Length - 1; i >= 0; i--)
        {
            for (var j = @new.Length - 1; j >= 0; j--) common[i, j] = old[i] == @new[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }

        var inside = after[..start].LastOrDefault(IsType);
        string? told = null;
        for (int i = 0, j = 0; i < old.Length || j < @new.Length;)
        {
            if (i < old.Length && j < @new.Length && old[i] == @new[j])
            {
                if (IsType(old[i])) inside = old[i];
                (i, j) = (i + 1, j + 1);
                continue;
            }

            if (inside is not null && inside != told) yield return "  " + (told = inside);
            yield return j < @new.Length && (i == old.Length || common[i, j + 1] >= common[i + 1, j]) ? "+ " + @new[j++] : "- " + old[i++];
        }
    }

    private static bool IsType(string line) => line.StartsWith("    public ", StringComparison.Ordinal) && line[4..] is var text && (text.Contains(" class ") || text.Contains(" struct ") || text.Contains(" interface ") || text.Contains(" enum ") || text.Contains(" delegate "));
}
