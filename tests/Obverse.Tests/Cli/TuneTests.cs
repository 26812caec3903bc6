using Obverse.Diffusion;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Diffusion;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>`obverse tune` and what is drawn with its deltas, on a Stable Diffusion model of tiny shape with random weights.</summary>
[Collection("command line")]
public sealed class TuneTests : IDisposable
{
    private readonly Program program = new();

    public TuneTests()
    {
        ToyDiffusion.Write(program["sd"], "toy");
        Directory.CreateDirectory(program["cat2"]);
        Directory.CreateDirectory(program["set/red_fox"]);
        Directory.CreateDirectory(program["set/dog"]);
        // Of several sizes and shapes.
        foreach (var (name, width, height, seed) in ((string, int, int, int)[])[("cat2/a.png", 20, 16, 1), ("cat2/b.png", 33, 40, 2), ("cat2/c.png", 8, 8, 3), ("set/red_fox/1.png", 16, 16, 4), ("set/red_fox/2.png", 24, 16, 5), ("set/dog/1.png", 16, 30, 6), ("set/dog/2.png", 17, 16, 7)]) Noise(width, height, seed).Save(program[name]);
    }

    private string[] Tune(string to, params string[] more) => ["tune", program["cat2"], "--model", program["sd"], "--cutoff", "0", "--prompts", "3", "--updates", "6", "--threads", "1", "-o", program[to], .. more];

    private string[] Vary(string to, params string[] more) => ["vary", program["cat2/a.png"], "--model", program["sd"], "--cutoff", "0", "--steps", "2", "--threads", "1", "-o", program[to], .. more];

    [Fact]
    public void An_interrupted_tuning_goes_on_to_the_same_bytes_and_the_delta_draws()
    {
        var whole = program.Run(Tune("whole.delta", "--rate", "0.01"));
        Assert.True(whole.Code == 0, whole.Error);
        var stopped = program.Stopped(3, Tune("part.delta", "--rate", "0.01"));
        Assert.True(stopped.Code == 1 && stopped.Error.Contains("the same command resumes", StringComparison.Ordinal), stopped.Error);
        Assert.False(File.Exists(program["part.delta"]));
        var other = program.Run(Tune("part.delta", "--rate", "0.02"));
        Assert.True(other.Code == 1 && other.Error.Contains("made with other options", StringComparison.Ordinal), other.Error);
        var resumed = program.Run(Tune("part.delta", "--rate", "0.01"));
        Assert.True(resumed.Code == 0 && !resumed.Error.Contains("step 2 of", StringComparison.Ordinal), resumed.Error);
        Assert.Equal(program.Bytes("whole.delta"), program.Bytes("part.delta"));
        Assert.False(Directory.Exists(program["part.delta.work"]));

        Assert.Equal(0, program.Run(Vary("plain.png")).Code);
        var tuned = program.Run(Vary("tuned.png", "--tuned", program["whole.delta"]));
        Assert.True(tuned.Code == 0, tuned.Error);
        Assert.NotEqual(Picture.Load(program["plain.png"]).Rgb.ToArray(), Picture.Load(program["tuned.png"]).Rgb.ToArray());
        var job = (SampleJob)Job.FromPicture(program["tuned.png"]);
        Assert.Equal(Picture.Load(program["tuned.png"]).Rgb.ToArray(), job.Finish().Picture.Rgb.ToArray());

        Assert.Equal(0, program.Run(["vary", program["cat2/a.png"], "--model", program["sd"], "--steps", "2", "--threads", "1", "--tuned", program["whole.delta"], "-o", program["same.png"]]).Code);
        Assert.Equal(0, ((SampleJob)Job.FromPicture(program["same.png"])).References!.Cutoff); // the cutoff that it was tuned with
        ToyDiffusion.Write(program["sd2"], "toy", seed: 4);
        var foreign = program.Run(["vary", program["cat2/a.png"], "--model", program["sd2"], "--tuned", program["whole.delta"], "-o", program["x.png"]]);
        Assert.True(foreign.Code == 1 && foreign.Error.Contains("was tuned on sd", StringComparison.Ordinal) && foreign.Error.TrimEnd().Split('\n').Length == 1, foreign.Error);
        Assert.False(File.Exists(program["x.png"]));
        var start = program.Run(Tune("next.delta", "--from", program["whole.delta"]));
        Assert.True(start.Code == 0, start.Error);
    }

    [Fact]
    public void Every_part_can_be_trained_on_classes_of_pictures()
    {
        foreach (var parts in (string[])["CU", "C", "U", "FC", "FC(I)"])
        {
            var file = $"{parts}.delta";
            var answer = program.Run("tune", program["set"], "--method", "ft", "--epochs", "1", "--batch", "2", "--rate", "0.02", "--parts", parts, "--model", program["sd"], "--prompts", "2", "--cutoff", "0", "--threads", "1", "--recompute", "-o", program[file]);
            Assert.True(answer.Code == 0 && answer.Error.Contains("step 2 of 2", StringComparison.Ordinal), answer.Error);
            Assert.Equal(parts is "CU" or "U", answer.Error.Contains(" text ", StringComparison.Ordinal)); // a caption's loss moves nothing else
            var drawn = program.Run(Vary($"{parts}.png", "--tuned", program[file]));
            Assert.True(drawn.Code == 0, drawn.Error);
        }

        var quirk = program.Run("tune", program["set"], "--method", "ft", "--updates", "1", "--target", "same", "--replace-patches", "--model", program["sd"], "--prompts", "2", "--cutoff", "0", "--threads", "1", "-o", program["q.delta"]);
        Assert.True(quirk.Code == 0, quirk.Error);
    }

    [Fact]
    public void Custom_diffusion_learns_a_word_that_diffuse_knows()
    {
        string[] Custom(string to) => ["tune", program["cat2"], "--method", "custom-diffusion", "--model", program["sd"], "--initializer", "cat", "--priors", "3", "--updates", "4", "--rate", "0.02", "--threads", "1", "-o", program[to], "--diffusers", program[to + "-diffusers"]];
        var whole = program.Run(Custom("new1.delta"));
        Assert.True(whole.Code == 0 && whole.Error.Contains(" prior ", StringComparison.Ordinal), whole.Error);
        Assert.Equal(1, program.Stopped(2, Custom("again.delta")).Code);
        Assert.Equal(0, program.Run(Custom("again.delta")).Code);
        Assert.Equal(program.Bytes("new1.delta"), program.Bytes("again.delta"));
        Answer Draw(string prompt, string to, params string[] more) => program.Run(["diffuse", prompt, "--model", program["sd"], "--steps", "2", "--threads", "1", "-o", program[to], .. more]);
        foreach (var (to, tuned) in ((string, string)[])[("file.png", "new1.delta"), ("folder.png", "new1.delta-diffusers")])
        {
            var answer = Draw("a <new1> cat", to, "--tuned", program[tuned]);
            Assert.True(answer.Code == 0, answer.Error);
        }

        using var model = StableDiffusionModel.Load(program["sd"]);
        using var delta = TunedDelta.Load(program["new1.delta"]);
        using var scope = new TensorScope();
        var cat = model.Text.Embed(Tensor.From([(long)model.Tokenizer.Encode("cat")[0]], 1, 1)).ToFloats();
        var moved = delta.Tokens["<new1>"].ToFloats().Zip(cat, (now, was) => Math.Abs(now - was)).Max();
        Assert.InRange(moved, 0.01, 0.1); // four steps of AdamW at 0.02
        byte[] Pixels(string name) => Picture.Load(program[name]).Rgb.ToArray();
        Assert.Equal(Pixels("file.png"), Pixels("folder.png"));
        using (var loud = TunedDelta.Of(delta.Info!, delta.Attention, tokens: [new("<new1>", Tensor.Ones([32]))])) loud.Save(program["loud.delta"]);
        Assert.Equal(0, Draw("a <new1> cat", "loud.png", "--tuned", program["loud.delta"]).Code);
        Assert.NotEqual(Pixels("file.png"), Pixels("loud.png")); // the word's embedding reaches the picture
    }

    [Fact]
    public void The_benchmarks_pictures_are_drawn_by_a_model_tuned_to_each_subject()
    {
        Directory.Move(program["set/red_fox"], program["set/fox"]);
        File.WriteAllText(program["set/prompts_and_classes.txt"], "subject_name,class\nfox,fox\ndog,dog\n\nObject Prompts\n'a {0} {1} in the snow'.format(unique_token, class_token),\nLive Subject Prompts\n'a {0} {1} in a hat'.format(unique_token, class_token),\n'a red {0} {1}'.format(unique_token, class_token),\n");
        string[] Draw(string to, params string[] more) => ["eval", "tuning", "--subjects", program["set"], "--model", program["sd"], "--n", "2", "--steps", "1", "--threads", "1", "-o", program[to], .. more];
        var ct = program.Run(Draw("ct", "--updates", "1"));
        Assert.True(ct.Code == 0 && ct.Output.Contains("(6 pictures of 2 subjects)", StringComparison.Ordinal), ct.Error);
        Assert.True(File.Exists(program["ct/deltas/fox.delta"]) && File.Exists(program["ct/dog/01-1.png"]));
        Assert.Contains("a fox in the snow", File.ReadAllText(program["ct/captions.jsonl"]));
        var written = File.GetLastWriteTimeUtc(program["ct/fox/00-0.png"]);
        Assert.Equal(0, program.Run(Draw("ct", "--updates", "1")).Code);
        Assert.Equal(written, File.GetLastWriteTimeUtc(program["ct/fox/00-0.png"]));
        var plain = program.Run(Draw("plain", "--method", "none", "--variations", "--first", "1"));
        Assert.True(plain.Code == 0 && plain.Output.Contains("(2 pictures of 1 subject)", StringComparison.Ordinal), plain.Error);
        var alone = Picture.Load(program["plain-sheet.png"]);
        Assert.Equal(0, program.Run(Draw("plain", "--method", "none", "--variations", "--first", "1", "--beside", program["ct"])).Code);
        Assert.True(Picture.Load(program["plain-sheet.png"]).Height > alone.Height + 90, "a row for the folder beside");
        var measured = program.Run("eval", "dreambooth", "--subjects", program["set"], "--drawn", program["plain"], "--network", program.Model, "--cache", "none", "--threads", "1");
        Assert.True(measured.Code == 0 && measured.Output.Contains("CLIP-I", StringComparison.Ordinal), measured.Output + measured.Error);
        var gone = program.Run(Draw("plain", "--method", "none", "--variations", "--beside", program["nothing"]));
        Assert.True(gone.Code == 2 && gone.Error.Contains("--beside: no such folder", StringComparison.Ordinal), gone.Error);
        var custom = program.Run(Draw("cd", "--method", "custom-diffusion", "--updates", "1", "--priors", "1", "--prompt", "a {1} here"));
        Assert.True(custom.Code == 1 && custom.Error.Contains("initializer 'ktn'", StringComparison.Ordinal) || custom.Code == 0, custom.Error);
    }

    [Fact]
    public void Mistakes_are_said_in_one_line_and_leave_nothing()
    {
        var before = program.Files;
        string one = program["cat2/a.png"], sd = program["sd"];
        foreach (var (args, says) in new (string[], string)[]
        {
            (["tune", one, "--method", "ft", "--model", sd, "-o", program["x.delta"]], "one picture was given; A/B targets need two"),
            (["tune", one, "--target", "ab", "--model", sd, "-o", program["x.delta"]], "one picture was given; A/B targets need two"),
            (["tune", program["nothing.png"], "--model", sd, "-o", program["x.delta"]], "no such picture"),
            (["tune", one, "--epochs", "3", "--model", sd, "-o", program["x.delta"]], "--epochs is for --method ft"),
            (["tune", one, "--method", "custom-diffusion", "--parts", "C", "--model", sd, "-o", program["x.delta"]], "--parts is for --method ct and ft"),
            (["tune", one, "--parts", "X", "--model", sd], "--parts: 'X'"), (["tune", one, "--replace-patches", "--prompts", "40", "--model", sd, "-o", program["x.delta"]], "40 deep prompts a block were given; 1 to 16"),
            (Vary("x.png", "--tuned", program["nothing"]), "no such file"), (Vary("x.png", "--tuned", one), "a.png"), (Vary("x.png", "--lora", one + ":x"), "a scale from -100 to 100"), (Vary("x.png", "--lora", program["nothing"]), "no such file"),
        })
        {
            var answer = program.Run(args);
            Assert.True(answer.Code > 0 && answer.Error.Contains(says, StringComparison.Ordinal) && !answer.Error.Contains("bug", StringComparison.Ordinal), $"{string.Join(' ', args)}: {answer.Code} {answer.Error}");
        }

        Assert.Equal(before, program.Files);
        Assert.False(Directory.Exists(program["x.delta.work"]));
    }

    public void Dispose() => program.Dispose();

    private static Picture Noise(int width, int height, int seed)
    {
        var rgb = new byte[width * height * 3];
        new Random(seed).NextBytes(rgb);
        return new(width, height, rgb);
    }
}
