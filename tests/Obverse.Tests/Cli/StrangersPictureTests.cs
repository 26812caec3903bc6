using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>A picture from a stranger, replayed and rendered: it opens no file that it cannot name by its hash, asks no hub, and sends the terminal nothing to obey.</summary>
[Collection("command line")]
public class StrangersPictureTests
{
    [Fact]
    public void A_picture_without_a_hash_is_read_only_where_that_was_allowed()
    {
        using var program = new Program();
        Flat(program, "secret.png");
        var forged = Forged(program, job => job["prompt"]!["parts"]!.AsArray().Add(new JsonObject { ["image"] = program["secret.png"], ["weight"] = 1 }));
        foreach (var ask in Asks(forged))
        {
            var answer = program.Run(ask);
            Assert.Equal(2, answer.Code);
            Assert.Contains("names the picture " + program["secret.png"] + " without its SHA-256", answer.Line, StringComparison.Ordinal);
            Assert.Contains("--allow-files", answer.Line, StringComparison.Ordinal);
            Assert.Equal(0, program.Run([.. ask, "--allow-files", "-o", program["allowed.png"]]).Code);
        }
    }

    [Fact]
    public void So_is_a_model_by_its_path()
    {
        using var program = new Program();
        var forged = Forged(program, job => job["models"]![0]!.AsObject().Remove("sha256"));
        foreach (var ask in Asks(forged))
        {
            Assert.Contains("names the model " + program.Model + " without its SHA-256", program.Run(ask).Line, StringComparison.Ordinal);
            Assert.Equal(0, program.Run([.. ask, "--allow-files", "-o", program["allowed.png"]]).Code);
        }
    }

    [Fact]
    public void A_model_by_its_path_must_have_the_jobs_weights()
    {
        using var program = new Program();
        var forged = Forged(program, job => job["models"]![0]!["sha256"] = new string('0', 64));
        foreach (var ask in Asks(forged))
        {
            Assert.Contains("the weights of " + program.Model + " are not the job's", program.Run(ask).Line, StringComparison.Ordinal);
            Assert.Contains("differs from the stored job: the weights of", program.Run([.. ask, "--allow-files", "-o", program["allowed.png"]]).Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("start")]
    [InlineData("prompt")]
    [InlineData("model")]
    [InlineData("bank")]
    public void Devices_and_pipes_are_not_opened(string where)
    {
        if (OperatingSystem.IsWindows()) return;
        using var program = new Program();
        using (var made = Process.Start("mkfifo", program["pipe"])!) made.WaitForExit();
        File.CreateSymbolicLink(program["link"], "/dev/zero");
        foreach (var path in new[] { program["pipe"], program["link"], "/dev/zero", "/dev/stdin" })
        {
            var forged = Forged(program, job =>
            {
                var file = new JsonObject { ["path"] = path, ["sha256"] = new string('0', 64) };
                if (where == "start") job["start"] = file;
                else if (where == "model") job["models"]![0]!["name"] = path;
                else if (where == "prompt") job["prompt"]!["parts"]![0] = new JsonObject { ["image"] = path, ["sha256"] = new string('0', 64), ["weight"] = 1 };
                else
                {
                    job["bank"] = file;
                    job["recipe"]!["bank"] = new JsonObject();
                }
            });
            foreach (var ask in Asks(forged))
            {
                var answer = program.Run([.. ask, "--allow-files"]); // not even then
                Assert.True(answer.Code is 1 or 2, answer.ToString());
                Assert.Contains(path, answer.Error, StringComparison.Ordinal);
                Assert.DoesNotContain("bug", answer.Error, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("//host/share/a.png")]
    [InlineData("\\\\host\\share\\a.png")]
    public void Paths_that_lead_to_another_machine_are_not_looked_for(string path)
    {
        using var program = new Program();
        foreach (var place in new[] { "start", "mask", "bank" })
        {
            var forged = Forged(program, job => job[place] = new JsonObject { ["path"] = path, ["sha256"] = "0" });
            foreach (var ask in Asks(forged)) Assert.Contains("may lead to another machine", program.Run(ask).Line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_hub_is_asked_only_where_that_was_allowed()
    {
        using var program = new Program();
        var forged = Forged(program, job => job["models"]![0]!["name"] = "nobody/has-this-model");
        foreach (var ask in Asks(forged)) Assert.Contains("--allow-hub", program.Run(ask).Line, StringComparison.Ordinal);

        var job = InversionJob.FromPicture(forged);
        List<HubRepository> asked = [];
        string Pull(HubRepository repository)
        {
            asked.Add(repository);
            throw new IOException("not today");
        }

        using (var strict = Workshop.For(job, pull: Pull)) Assert.Throws<UsageException>(() => job.Finish(strict));
        Assert.Empty(asked);
        using (var open = Workshop.For(job, pull: Pull, allowsHub: true)) Assert.ThrowsAny<Exception>(() => job.Finish(open));
        Assert.Equal("nobody/has-this-model", Assert.Single(asked).Id);
    }

    [Fact]
    public void A_canvas_and_a_checkpoint_are_a_strangers_too()
    {
        using var program = new Program();
        Flat(program, "start.png");
        Assert.Equal(0, program.Run("invert", "a fox", "--recipe", "pyramid", "--model", program.Model, "--steps", "2", "--views", "1", "--start", program["start.png"], "--save", program["fox.safetensors"], "--out", program["fox.png"]).Code);
        Assert.Equal(0, program.Run("render", program["fox.safetensors"], "--size", "40", "-o", program["a.png"]).Code);
        var latin = Encoding.Latin1; // the header counts its bytes: one for one
        File.WriteAllBytes(program["fox.safetensors"], latin.GetBytes(Regex.Replace(latin.GetString(program.Bytes("fox.safetensors")), "(stepCount[^0-9]{1,3}(u0022)?:)2", "${1}0")));
        Assert.Contains("stepCount is 0", program.Run("render", program["fox.safetensors"], "--size", "40", "-o", program["b.png"]).Line, StringComparison.Ordinal);
        Assert.Contains("stepCount is 0", program.Run("invert", "--resume", program["fox.safetensors"], "--out", program["b.png"]).Line, StringComparison.Ordinal);
    }

    [Fact]
    public void Prompts_captions_and_file_names_send_the_terminal_nothing()
    {
        if (OperatingSystem.IsWindows()) return; // its file names hold no such characters
        using var program = new Program();
        const string evil = "\u001b]0;owned\u0007\u202e";
        var forged = Forged(program, job => job["models"]![0]!["name"] = evil);
        MustBeClean(program.Run("replay", forged), "\\u001b]0;owned\\u0007\\u202e");

        Directory.CreateDirectory(program["pictures"]);
        Flat(program, "pictures/" + evil + ".png");
        File.WriteAllText(program["captions.tsv"], $"{evil}.png\ta fox\u001b[2J\n");
        MustBeClean(program.Run("index", "build", program["pictures"], "--captions", program["captions.tsv"], "-o", program["i.safetensors"], "--model", program.Model), null);
        var found = program.Run("index", "search", program["i.safetensors"], "a fox", "--model", program.Model);
        MustBeClean(found, "a fox\\u001b[2J");
        Assert.Contains("\\u001b]0;owned\\u0007\\u202e.png", found.Output, StringComparison.Ordinal);
        MustBeClean(program.Run("index", "search", program["i.safetensors"], "a fox", "--model", program.Model, "--json"), null);
        MustBeClean(program.Run("replay", program["no" + evil]), "\\u001b");
    }

    private static void MustBeClean(Answer answer, string? shown)
    {
        foreach (var text in new[] { answer.Output, answer.Error }) Assert.DoesNotContain(text, c => (char.IsControl(c) && c is not ('\n' or '\r')) || c == '\u202e');
        if (shown is not null) Assert.Contains(shown, answer.Output + answer.Error, StringComparison.Ordinal);
    }

    private static string[][] Asks(string picture) => [["replay", picture], ["render", picture, "--size", "40"]];

    private static void Flat(Program program, string name) => new Picture(32, 32, new byte[32 * 32 * 3]).Save(program[name]);

    // A picture whose job was changed by hand.
    private static string Forged(Program program, Action<JsonObject> change)
    {
        if (!File.Exists(program["honest.png"])) Assert.Equal(0, program.Run("invert", "a red fox", "--recipe", "pyramid", "--model", program.Model, "--steps", "2", "--views", "1", "--size", "32", "--out", program["honest.png"]).Code);
        var job = JsonNode.Parse(InversionJob.FromPicture(program["honest.png"]).ToJson())!.AsObject();
        change(job);
        Flat(program, "forged.png");
        File.WriteAllBytes(program["forged.png"], PngText.Add(program.Bytes("forged.png"), Job.Keyword, job.ToJsonString()));
        return program["forged.png"];
    }
}
