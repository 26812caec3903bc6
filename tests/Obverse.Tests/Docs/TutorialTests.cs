using Xunit;

namespace Obverse.Tests;

public class TutorialTests
{
    private static string Docs => Path.Combine(Fixtures.RepositoryRoot, "docs");

    [Fact]
    public void The_tutorials_objective_is_the_one_that_is_compiled()
    {
        var source = File.ReadAllText(Path.Combine(Fixtures.RepositoryRoot, "tests", "Obverse.Tests", "Docs", "Tinted.cs")).ReplaceLineEndings("\n");
        Assert.Contains($"```csharp\n{source}```", File.ReadAllText(Path.Combine(Docs, "tutorial.md")).ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_of_another_assembly_is_written_and_read_like_those_of_the_engine()
    {
        Objective objective = Objective.Toward() + 3 * new Tinted(0.1, 0.1, 0.4);
        var text = PartJson.Write(objective);
        Assert.Contains("\"tinted\"", text, StringComparison.Ordinal);
        Assert.Equal(objective, PartJson.Read<Objective>(text));
    }

    /// <summary>Links between pages lead to files and headings that are there.</summary>
    [Fact]
    public void Pages_link_to_what_is_there()
    {
        var root = Fixtures.RepositoryRoot;
        var broken = new List<string>();
        foreach (var page in Directory.EnumerateFiles(Docs, "*.md", SearchOption.AllDirectories).Append(Path.Combine(root, "README.md")).Append(Path.Combine(root, "CHANGELOG.md")))
        {
            foreach (System.Text.RegularExpressions.Match link in System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(page), @"\]\(([^)\s]+)\)"))
            {
                var to = link.Groups[1].Value;
                if (to.Contains("://", StringComparison.Ordinal)) continue;
                var parts = to.Split('#', 2);
                var file = parts[0].Length == 0 ? page : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, parts[0]));
                if (!Path.Exists(file) || parts.Length > 1 && file.EndsWith(".md", StringComparison.Ordinal) && !Anchors(file).Contains(parts[1])) broken.Add($"{Path.GetRelativePath(root, page)}: {to}");
            }
        }

        Assert.Empty(broken);
    }

    // As GitHub makes them: lower case, no punctuation, hyphens for spaces.
    private static HashSet<string> Anchors(string file)
    {
        var anchors = new HashSet<string>();
        var isCode = false;
        foreach (var line in File.ReadLines(file))
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) isCode = !isCode;
            if (isCode || !line.StartsWith('#')) continue;
            anchors.Add(new string([.. line.TrimStart('#').Trim().ToLowerInvariant().Where(letter => char.IsLetterOrDigit(letter) || letter is ' ' or '-' or '_')]).Replace(' ', '-'));
        }

        return anchors;
    }
}
