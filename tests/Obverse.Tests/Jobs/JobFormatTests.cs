using System.Diagnostics;
using System.Text.Json.Nodes;
using Obverse.Jobs;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Jobs;

/// <summary>Jobs as text: what earlier versions stored, and what reading one needs.</summary>
public class JobFormatTests
{
    // Stored by version 0.1.0 of November 2026, all recipes; a path in them is no longer there.
    private static readonly string[] first = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Data", "jobs-format-1.jsonl"));

    [Fact]
    public void Jobs_of_format_1_are_read_and_where_nothing_changes_written_as_they_were()
    {
        var recipes = new HashSet<string>();
        foreach (var text in first)
        {
            var job = InversionJob.FromJson(text);
            Assert.Equal(text, job.ToJson());
            Assert.Equal(text, (job with { Seed = job.Seed }).ToJson());
            var old = JsonNode.Parse(text)!;
            recipes.Add(job.Recipe.Name);
            Assert.Equal((string?)old["modelSha256"], job.Models.Single().Sha256);
            Assert.Equal((string?)old["wordsSha256"], job.Models.Single().TextSha256);
            Assert.Equal((int)old["recipe"]!["views"]!["copies"]!, job.Recipe.Views.Count);
            Assert.Equal(old["recipe"]!["pace"] is null, job.Recipe.Schedule.Progressive is null);
            Assert.Equal(old["recipe"]!["prior"] is null, job.Recipe.Bank is null);
            Assert.Equal((old["imageSha256"]?.AsArray() ?? []).Select(hash => (string)hash!), job.Prompt.Images.Select(part => part.Sha256!));

            var changed = job with { Seed = job.Seed + 1 };
            Assert.Contains("\"format\":2", changed.ToJson(), StringComparison.Ordinal);
            var back = InversionJob.FromJson(changed.ToJson());
            Assert.Equal(changed.Recipe, back.Recipe);
            Assert.Equal(changed.ToJson(), back.ToJson());
            Assert.True(changed.MakesTheSameAs(back));
            Assert.False(changed.MakesTheSameAs(job));
            Assert.True(job.MakesTheSameAs(job with { Threads = 9, Recipe = job.Recipe with { About = "in other words" } }));
        }

        Assert.Equal(Recipes.Names.Except(["clipag", "clipdraw", "styler", "vqgan", "vqgan-classic"]), recipes.Order(StringComparer.Ordinal)); // those came later
    }

    [Theory]
    [InlineData("das", 12)]
    [InlineData("implicit-plain", 40)]
    [InlineData("implicit-fast", 40)]
    public void A_recipe_of_format_1_is_todays(string name, int steps)
    {
        var job = first.Select(InversionJob.FromJson).First(job => job.Recipe.Name == name);
        var today = Recipes.Named(name, Quality.Normal, job.Width, job.Height).Steps(steps).ViewCount(job.Recipe.Views.Count);
        Assert.Equal(today, job.Recipe with { About = today.About, Canvas = name == "implicit-fast" ? today.Canvas : job.Recipe.Canvas });
    }

    [Fact]
    public void Of_a_job_from_before_random_numbers_were_stored_it_is_said()
    {
        var node = JsonNode.Parse(first[0])!.AsObject();
        node.Remove("random");
        node.Remove("precision");
        node["libtorch"] = "1.13.0";
        var job = InversionJob.FromJson(node.ToJsonString());
        Assert.Null(job.Random);
        Assert.Null(job.Precision);
        Assert.Equal("1.13.0", job.Libtorch);
        Assert.Equal(Precision.Float32, Workshop.For(job).Precision);
    }

    [Theory]
    [InlineData("{\"job\":\"inversion\",\"format\":3,\"obverse\":\"0.9.0\"}", "stored by Obverse 0.9.0 in format 3; this is 0.1.0, which reads formats 1 to 2")]
    [InlineData("{\"recipe\":3}", "recipe, prompt and model are wanted")]
    [InlineData("[]", "a JSON object was wanted")]
    [InlineData("{\"job\":\"sculpture\",\"format\":2}", "not a job")]
    [InlineData("{\"format\":2", "not a job")]
    public void What_is_no_job_of_ours_is_refused_in_one_line(string text, string message)
    {
        var wrong = Assert.Throws<InvalidDataException>(() => Job.FromJson(text));
        Assert.Contains(message, wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', wrong.Message);
    }

    [Fact]
    public void Named_targets_several_models_and_weights_go_through_JSON()
    {
        var job = InversionJob.FromJson(first[0]) with
        {
            Recipe = Recipes.Das() with { Objective = Objective.Toward() + 0.5 * Objective.Along("content", "style").Through(Views.Of(8).Patch(16)) + Ramp.Linear(1, 0) * Objective.TotalVariation(), Schedule = Schedule.Adam(1e-2).RateOf("points", Ramp.Cosine()) },
            Models = [new("a", "1"), new("b", "2", "3")], Targets = new Dictionary<string, Prompt> { ["style"] = Prompt.Parse("a watercolour"), ["content"] = Prompt.Parse("a photo") },
        };
        var back = InversionJob.FromJson(job.ToJson());
        Assert.Equal(job.ToJson(), back.ToJson());
        Assert.Equal(job.Recipe, back.Recipe);
        Assert.Equal(job.Models, back.Models);
        Assert.Equal(["style", "content"], back.Targets!.Keys);
    }

    [Fact]
    public void Recipes_are_read_and_written_without_libtorch()
    {
        // In a process of its own whose libtorch is nowhere: recipes are the parts of a job that could touch it.
        using var folder = new Encoders.TemporaryFolder();
        var start = new ProcessStartInfo("dotnet", [typeof(Obverse.Cli.CommandLine).Assembly.Location, "recipes", "das", "--json"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OBVERSE_LIBTORCH"] = folder.Path;
        using var process = Process.Start(start)!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.Equal(Recipes.Das(), Recipe.FromJson(text));
    }
}
