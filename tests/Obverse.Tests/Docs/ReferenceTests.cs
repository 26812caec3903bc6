using System.Text;
using Obverse.Cli;
using Obverse.Jobs;
using Xunit;

namespace Obverse.Tests;

/// <summary><c>docs/reference/</c> is what the program says of itself: a page a command from its <c>--help</c>, a page a package from its XML documentation.</summary>
public class ReferenceTests
{
    /// <summary>Of a line in a page; wider than most descriptions, narrow enough to stand beside something else.</summary>
    private const int Width = 120;

    private const string Accept = "OBVERSE_ACCEPT_DOCS=1 ./test.sh --filter Tests.ReferenceTests";

    private static string Folder => Path.Combine(Fixtures.RepositoryRoot, "docs", "reference");

    [SkippableFact]
    public void The_pages_of_the_commands_are_their_help()
    {
        Skip.IfNot(Console.IsOutputRedirected, "help is wrapped at this terminal's width: run with the output redirected");
        var pages = new Dictionary<string, string>(StringComparer.Ordinal);
        var index = new StringBuilder("# Commands\n\nWhat `obverse COMMAND --help` prints, a page a command. Written by `ReferenceTests`; the packages are in [api](api/README.md).\n\n| command | what it does |\n|---|---|\n");
        foreach (var (name, summary) in Listed(Help([])))
        {
            pages[name + ".md"] = CommandPage([name]);
            index.Append($"| [`{name}`]({name}.md) | {Cell(summary)} |\n");
        }

        index.Append($"\n```text\n{Wrapped(Help([]))}\n```\n");
        pages["README.md"] = index.ToString();
        Compare(Folder, pages);
    }

    [Fact]
    public void The_pages_of_the_packages_are_their_XML_documentation()
    {
        var pages = new Dictionary<string, string>(StringComparer.Ordinal);
        var index = new StringBuilder("# Packages\n\nPublic types and members with the summaries of their XML documentation, a page a package. Written by `ReferenceTests`.\n\n| package | public types |\n|---|---|\n");
        foreach (var package in ((IEnumerable<object[]>)PublicApiTests.Packages).Select(row => (string)row[0]))
        {
            var (page, count) = ApiPage.Of(System.Reflection.Assembly.Load(package));
            pages[package + ".md"] = page;
            index.Append($"| [{package}]({package}.md) | {count} |\n");
        }

        pages["README.md"] = index.ToString();
        Compare(Path.Combine(Folder, "api"), pages);
    }

    [Fact]
    public void A_long_description_goes_on_under_itself()
    {
        var line = "  --name <name>  " + string.Join(' ', Enumerable.Repeat("word", 30));
        var wrapped = Wrapped("Options:\n" + line + "\n  -h  short").Split('\n');
        Assert.Equal(4, wrapped.Length);
        Assert.All(wrapped, part => Assert.True(part.Length <= Width, part));
        Assert.StartsWith(new string(' ', 17) + "word", wrapped[2]);
        Assert.Equal(line.Split(' ', StringSplitOptions.RemoveEmptyEntries), (wrapped[1] + wrapped[2]).Replace("word word", "word  word").Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>A command, and below it its own commands.</summary>
    private static string CommandPage(string[] path)
    {
        var help = Help(path);
        var page = new StringBuilder($"{new string('#', path.Length)} obverse {string.Join(' ', path)}\n\n```text\n{Wrapped(help)}\n```\n");
        foreach (var (name, _) in Listed(help)) page.Append('\n').Append(CommandPage([.. path, name]));
        return page.ToString();
    }

    private static string Help(string[] path)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = CommandLine.Run([.. path, "--help"], output, error);
        Assert.True(code == 0 && error.ToString().Length == 0, $"`obverse {string.Join(' ', path)} --help` ended with {code}: {error}");
        return output.ToString().ReplaceLineEndings("\n").Replace("testhost", "obverse", StringComparison.Ordinal).TrimEnd();
    }

    /// <summary>Names and descriptions in the part "Commands:" of a help text.</summary>
    private static IEnumerable<(string Name, string Summary)> Listed(string help)
    {
        foreach (var line in help.Split('\n').SkipWhile(line => line != "Commands:").Skip(1).TakeWhile(line => line.StartsWith("  ", StringComparison.Ordinal)))
        {
            if (line[2] == ' ') continue; // a description that goes on
            var parts = line.Trim().Split("  ", 2);
            yield return (parts[0].Split(' ')[0], parts.Length > 1 ? parts[1].Trim() : "");
        }
    }

    /// <summary>Long lines of a help text go on under their description.</summary>
    private static string Wrapped(string help)
    {
        var lines = new List<string>();
        foreach (var whole in help.Split('\n'))
        {
            var line = whole.TrimEnd();
            var gap = line.TrimStart().IndexOf("  ", StringComparison.Ordinal);
            var indent = line.Length - line.TrimStart().Length;
            if (gap > 0)
            {
                indent += gap;
                while (line[indent] == ' ') indent++;
            }

            if (indent > Width / 2) indent = 4;
            while (line.Length > Width)
            {
                var cut = line.LastIndexOf(' ', Width);
                if (cut <= indent) cut = line.IndexOf(' ', Math.Min(Width, line.Length - 1));
                if (cut < 0) break;
                lines.Add(line[..cut].TrimEnd());
                line = new string(' ', indent) + line[cut..].TrimStart();
            }

            lines.Add(line);
        }

        return string.Join('\n', lines);
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    /// <summary>The folder holds these pages and no others.</summary>
    private static void Compare(string folder, Dictionary<string, string> pages)
    {
        if (Environment.GetEnvironmentVariable("OBVERSE_ACCEPT_DOCS") is { Length: > 0 })
        {
            Directory.CreateDirectory(folder);
            foreach (var file in Directory.GetFiles(folder, "*.md")) File.Delete(file);
            foreach (var (name, page) in pages) File.WriteAllText(Path.Combine(folder, name), page);
            return;
        }

        var there = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.md").Select(Path.GetFileName).Order(StringComparer.Ordinal).ToArray() : [];
        Assert.True(there.SequenceEqual(pages.Keys.Order(StringComparer.Ordinal)), $"{folder} has {string.Join(", ", there)}; there should be {string.Join(", ", pages.Keys)}.\n\n{Accept}");
        foreach (var (name, page) in pages)
        {
            var accepted = File.ReadAllText(Path.Combine(folder, name)).ReplaceLineEndings("\n");
            Assert.True(accepted == page, $"{Path.Combine(folder, name)} is out of date:\n\n{string.Join('\n', PublicApiTests.Changes(accepted.Split('\n'), page.Split('\n')))}\n\n{Accept}, and commit docs/reference/.");
        }
    }
}
