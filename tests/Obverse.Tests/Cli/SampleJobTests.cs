using System.Text.Json.Nodes;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Tests.Diffusion;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>A sample is a job: it is replayed, resumed, batched and looked at like any other, and a stranger's is held against limits.</summary>
[Collection("command line")]
public class SampleJobTests
{
    [Fact]
    public void A_picture_is_replayed_to_the_byte()
    {
        using var program = Tiny();
        Flat(program, "ref.png", 200);
        Assert.Equal(0, program.Run(Draw(program, "a.png", "--negative", "a (dog:1.2)", "--init", program["ref.png"])).Code);
        Assert.Equal(0, program.Run(["vary", program["ref.png"], .. Common(program), "--cutoff", "0", "--edit", "a dog", "-o", program["v.png"]]).Code);
        foreach (var name in (string[])["a.png", "v.png"])
        {
            var checkedOne = program.Run("replay", program[name], "--check");
            Assert.True(checkedOne.Code == 0, $"{checkedOne.Code} {checkedOne.Error}");
        }

        Assert.Equal(0, program.Run("replay", program["a.png"], "-o", program["again.png"]).Code);
        Assert.Equal(program.Bytes("a.png"), program.Bytes("again.png"));
    }

    [Theory]
    [InlineData("pndm")]
    [InlineData("lms")]
    [InlineData("euler-a")]
    [InlineData("dpm++2m")]
    [InlineData("dpm++2m", "--fast", "2")]
    [InlineData("ddim", "--fast")]
    public void A_stopped_one_goes_on_to_the_same_bytes(string sampler, params string[] more)
    {
        using var program = Tiny();
        string[] draw(string to) => Draw(program, to, ["--sampler", sampler, "--steps", "6", .. more]);
        Assert.Equal(0, program.Run(draw("whole.png")).Code);
        var stopped = program.Stopped(3, draw("half.png"));
        Assert.True(stopped.Code == 1 && stopped.Error.Contains("stopped after step 3", StringComparison.Ordinal), $"{stopped.Code} {stopped.Error}");
        Assert.Equal(3, ((SampleJob)Job.FromPicture(program["half.png"])).StoppedAfter);
        Assert.Equal(0, program.Run("replay", program["half.png"], "--check").Code);
        var resumed = program.Run("diffuse", "--resume", program["half.checkpoint.safetensors"], "-o", program["rest.png"], "--threads", "1");
        Assert.True(resumed.Code == 0, $"{resumed.Code} {resumed.Error}");
        Assert.Equal(program.Bytes("whole.png"), program.Bytes("rest.png"));
        Assert.Contains("give no prompt", program.Run("diffuse", "x", "--resume", program["half.checkpoint.safetensors"]).Line, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_killed_one_left_is_taken_up_by_the_same_command()
    {
        using var program = Tiny();
        Assert.Equal(0, program.Run(Draw(program, "a.png", "--steps", "5")).Code);
        var job = (SampleJob)Job.FromPicture(program["a.png"]);
        using var stop = new CancellationTokenSource();
        List<string> remarks = [];
        using var workshop = new Workshop { Threads = 1, Precision = Obverse.Torch.Precision.Float32, OnRemark = remarks.Add };
        var outputs = new Outputs(program["b.png"]) { KeepsWhenStopped = false, CheckpointEvery = TimeSpan.Zero };
        Assert.Throws<OperationCanceledException>(() =>
        {
            var events = job.Run(workshop, outputs, stop.Token).ToBlockingEnumerable();
            foreach (var one in events) if (one is StepEvent { Done: 2 }) stop.Cancel();
        });
        Assert.False(File.Exists(program["b.png"]));
        Assert.Equal(Picture.Load(program["a.png"]).Rgb.ToArray(), job.Finish(workshop, outputs).Picture.Rgb.ToArray());
        Assert.Contains(remarks, remark => remark.Contains("resumed after step 2", StringComparison.Ordinal));
        Assert.False(File.Exists(outputs.Checkpoint));
    }

    [Fact]
    public void A_batch_draws_what_is_missing_and_names_the_line_that_is_wrong()
    {
        using var program = Tiny();
        Flat(program, "ref.png", 90);
        File.WriteAllLines(program["p.jsonl"], ["""{"prompt": "a red fox", "seed": 3, "file": "fox.png"}""", """{"prompt": "a dog", "init": "nowhere.png"}""", """{"prompt": "a (cat:1.5)", "negative": "red"}"""]);
        string[] ask = ["diffuse", "--batch", program["p.jsonl"], .. Common(program), "-o", program["out"]];
        var first = program.Run(ask);
        Assert.True(first.Code == 1 && first.Output.Contains("2 drawn, 0 there already, 1 failed", StringComparison.Ordinal), $"{first.Code} {first.Error}");
        Assert.Contains("line 2, \"a dog\": nowhere.png", first.Error, StringComparison.Ordinal);
        Assert.Equal(3UL, ((SampleJob)Job.FromPicture(program["out/fox.png"])).Seed);
        Assert.Equal("red", ((SampleJob)Job.FromPicture(Directory.GetFiles(program["out"], "0003-*.png").Single())).Negative);
        Assert.Contains("0 drawn, 2 there already", program.Run(ask).Output, StringComparison.Ordinal);

        File.WriteAllLines(program["v.jsonl"], [$$"""{"images": ["{{program["ref.png"]}}", "{{program["out/fox.png"]}}:0.5"], "edit": "a dog", "alpha": 0.4}""", $$"""{"image": "{{program["ref.png"]}}"}"""]);
        var varied = program.Run(["vary", "--batch", program["v.jsonl"], .. Common(program), "--cutoff", "0", "-o", program["varied"]]);
        Assert.True(varied.Code == 0 && varied.Output.Contains("2 drawn", StringComparison.Ordinal), $"{varied.Code} {varied.Error}");
        foreach (var (line, says) in new[] { ("""{"prompt": 3}""", "\"prompt\": 3 was given"), ("[1]", "[1] was given"), ("""{"prompt": "a", "strength": 2}""", "\"strength\": 2 was given") })
        {
            File.WriteAllText(program["bad.jsonl"], line);
            Assert.Contains(says, program.Run(["diffuse", "--batch", program["bad.jsonl"], .. Common(program), "-o", program["out"]]).Line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_film_and_numbered_previews_are_saved_on_the_way()
    {
        using var program = Tiny();
        var drawn = program.Run(Draw(program, "a.png", "--steps", "4", "--film", program["a.gif"], "--every", "2"));
        Assert.True(drawn.Code == 0, $"{drawn.Code} {drawn.Error}");
        Assert.True(File.Exists(program["a.gif"]) && File.Exists(program["a-step2.png"]) && File.Exists(program["a-step4.png"]));
        Assert.Equal(Picture.Load(program["a.png"]).Rgb.ToArray(), Picture.Load(program["a-step4.png"]).Rgb.ToArray()); // the last one is what it becomes
    }

    [Fact]
    public void A_strangers_sample_opens_no_file_that_it_cannot_name_by_its_hash()
    {
        using var program = Tiny();
        Flat(program, "ref.png", 90);
        Assert.Equal(0, program.Run(Draw(program, "a.png", "--init", program["ref.png"])).Code);
        string Forged(Action<JsonObject> change)
        {
            var job = JsonNode.Parse(Job.FromPicture(program["a.png"]).ToJson())!.AsObject();
            change(job);
            Flat(program, "forged.png", 0);
            File.WriteAllBytes(program["forged.png"], PngText.Add(program.Bytes("forged.png"), Job.Keyword, job.ToJsonString()));
            return program["forged.png"];
        }

        foreach (var (change, says) in new (Action<JsonObject>, string)[]
        {
            (job => job["model"]!.AsObject().Remove("sha256"), "without its SHA-256"),
            (job => job["model"]!["sha256"] = new string('0', 64), "are not the job's"),
            (job => job["model"]!["autoencoderSha256"] = new string('0', 64), "are not the job's"),
            (job => job["model"]!["name"] = "//host/share/sd", "may lead to another machine"),
            (job => job["model"]!["name"] = "nobody/has-this", "--allow-hub"),
            (job => job["start"]!["picture"]!["path"] = "//host/share/a.png", "may lead to another machine"),
            (job => job["start"]!["picture"]!["sha256"] = "0", "its SHA-256 differs"),
            (job => job["steps"] = 0, "steps is 0"), (job => job["guidance"] = "NaN", "guidance is NaN"), (job => job["sampler"] = "magic", "sampler is 'magic'"),
            (job => job["width"] = 100000, "width is 100000"), (job => job["start"]!["strength"] = 0, "start.strength is 0"), (job => job["prompt"] = new string('a', 70000), "prompt has 70000 characters"),
            (job => job["prompt"] = "a [b:c:0.5]", "prompts that change"),
        })
        {
            var answer = program.Run("replay", Forged(change), "-o", program["no.png"]);
            Assert.True(answer.Code is 1 or 2 && answer.Line.Contains(says, StringComparison.Ordinal), $"{says}: {answer}");
        }

        Assert.Equal(0, program.Run("replay", Forged(job => job["model"]!.AsObject().Remove("sha256")), "--allow-files", "-o", program["yes.png"]).Code);
    }

    internal static Program Tiny()
    {
        var program = new Program();
        TinyDiffusion.Save(program["sd"], program.Model);
        return program;
    }

    internal static string[] Common(Program program) => ["--model", program["sd"], "--steps", "3", "--guidance", "3", "--threads", "1"];

    internal static string[] Draw(Program program, string to, params string[] more) =>
        ["diffuse", "a red fox", "--model", program["sd"], "--guidance", "3", "--seed", "5", "--threads", "1", "-o", program[to], .. more.Contains("--steps") ? [] : (string[])["--steps", "3"], .. more];

    internal static void Flat(Program program, string name, byte level)
    {
        var rgb = new byte[16 * 16 * 3];
        Array.Fill(rgb, level);
        new Picture(16, 16, rgb).Save(program[name]);
    }
}
