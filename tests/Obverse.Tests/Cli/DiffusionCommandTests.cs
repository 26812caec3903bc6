using Obverse.Diffusion;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Tests.Training;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>A Stable Diffusion model of tiny shape: trained, stopped, resumed, sampled, and misused.</summary>
[Collection("command line")]
public class DiffusionCommandTests
{
    private static readonly string[] unet = ["--channels", "16,32", "--batch", "4", "--threads", "1", "--updates", "40"];

    [Fact]
    public void A_stopped_training_goes_on_to_the_same_weights_and_the_model_draws()
    {
        using var program = new Program();
        ViewTests.Drawings(program["set"]).Dispose();
        string[] Vae(string to) => ["train", "vae", "--data", program["set"], "--side", "16", "--crop", "16", "--batch", "2", "--threads", "1", "--updates", "40", "-o", program[to]];
        string[] Diffusion(string to) => ["train", "diffusion", "--data", program["set"], "--model", program.Model, .. unet, "-o", program[to]];
        foreach (var part in (Func<string, string[]>[])[Vae, Diffusion])
        {
            var whole = program.Run(part("sd"));
            Assert.True(whole.Code == 0, whole.Error);
            var stopped = program.StoppedAt("step 20,", part("sd2"));
            Assert.True(stopped.Code == 1 && stopped.Error.Contains("the same command resumes", StringComparison.Ordinal), stopped.Error);
            var resumed = program.Run(part("sd2"));
            Assert.True(resumed.Code == 0, resumed.Error);
            var name = part == Vae ? "vae" : "unet";
            Assert.Equal(program.Bytes($"sd/{name}/diffusion_pytorch_model.safetensors"), program.Bytes($"sd2/{name}/diffusion_pytorch_model.safetensors"));
        }

        // From other weights, on what a CLIP recognises best.
        var recognised = program.Run([.. Diffusion("sd2"), "--work", program["recognised"], "--best-recognised", "1", "--start", program["sd/unet"]]);
        Assert.True(recognised.Code == 0 && recognised.Error.Contains("6 latents of", StringComparison.Ordinal), recognised.Error);
        Assert.NotEqual(program.Bytes("sd/unet/diffusion_pytorch_model.safetensors"), program.Bytes("sd2/unet/diffusion_pytorch_model.safetensors"));

        // With pictures as prompts: stopped and resumed too, and other weights than without.
        string[] Seeing(string work) => [.. Diffusion("sd4"), "--work", program[work], "--picture-prompts", "0.5"];
        Assert.Equal(0, program.Run(Vae("sd4")).Code);
        Assert.Equal(1, program.StoppedAt("step 20,", Seeing("seeing")).Code);
        var pictured = program.Run(Seeing("seeing"));
        Assert.True(pictured.Code == 0 && Directory.GetDirectories(program["seeing"], "seen-*", SearchOption.AllDirectories).Length == 1, pictured.Error);
        var weights = program.Bytes("sd4/unet/diffusion_pytorch_model.safetensors");
        Assert.NotEqual(program.Bytes("sd/unet/diffusion_pytorch_model.safetensors"), weights);
        Assert.Equal(0, program.Run(Seeing("seeing2")).Code);
        Assert.Equal(weights, program.Bytes("sd4/unet/diffusion_pytorch_model.safetensors"));

        // Another autoencoder has latents of its own, also in the same work folder.
        Assert.Equal(0, program.Run([.. Vae("sd3"), "--seed", "9"]).Code);
        var other = program.Run([.. Diffusion("sd3"), "--work", program["recognised"], "--best-recognised", "1", "--start", program["sd/unet"]]);
        var folders = Directory.GetDirectories(program["recognised"], "latents-*", SearchOption.AllDirectories);
        Assert.True(other.Code == 0 && folders.Length == 2 && folders.All(folder => File.Exists(Path.Combine(folder, "recognised.safetensors"))), other.Error);
        foreach (var (start, says) in new[] { ("sd/vae", "no training of this shape starts from it"), ("nowhere", "no such file") })
        {
            var wrong = program.Run([.. Diffusion("sd2"), "--work", program["wrong"], "--start", program[start]]);
            Assert.True(wrong.Code == 1 && wrong.Error.Contains(says, StringComparison.Ordinal), wrong.Error);
        }

        string[] draw = ["diffuse", "a red fox", "--model", program["sd"], "--steps", "3", "--guidance", "3", "--seed", "5", "--threads", "1"];
        Answer Draw(string to, params string[] more) => program.Run([.. draw, "-o", program[to], .. more]);
        Assert.Equal(0, Draw("a.png").Code);
        Assert.Equal(0, Draw("b.png").Code);
        Assert.Equal(program.Bytes("a.png"), program.Bytes("b.png"));
        Assert.Equal((16, 16), (Picture.Load(program["a.png"]).Width, Picture.Load(program["a.png"]).Height));
        var job = (SampleJob)Job.FromPicture(program["a.png"]);
        Assert.Equal(("a red fox", 5UL, 3, "dpm++2m"), (job.Prompt, job.Seed, job.Steps, job.Sampler));
        Assert.Equal(Picture.Load(program["a.png"]).Rgb.ToArray(), job.Finish().Picture.Rgb.ToArray());
        Assert.Equal(0, program.Run(["diffuse", "a photo of a red fox", .. draw[2..], "-o", program["worded.png"]]).Code);
        var judged = program.Run("judge", program["a.png"], program["worded.png"], "--model", program.Model, "--threads", "1");
        Assert.True(judged.Code == 0 && judged.Output.Contains("2 pictures: low-pass top-1 ", StringComparison.Ordinal) && judged.Output.Split("\"red fox\" among").Length == 2 && judged.Output.Split("\"a red fox\" among").Length == 2, judged.Output + judged.Error);
        foreach (var sampler in Obverse.Diffusion.Sampler.Names) Assert.Equal(0, Draw($"{sampler}.png", "--sampler", sampler, "--size", "24x16").Code);
        Assert.Equal(0, Draw("init.png", "--init", program["a.png"], "--strength", "0.5").Code);
        var series = Draw("n.png", "--n", "2");
        Assert.True(series.Code == 0 && File.Exists(program["n-sheet.png"]) && File.Exists(program["n-seed6.png"]), series.Error);

        string[] vary = ["vary", program["a.png"], "--model", program["sd"], "--steps", "2", "--cutoff", "0", "--threads", "1"];
        var varied = program.Run([.. vary, "-o", program["v.png"]]);
        Assert.True(varied.Code == 0, varied.Error);
        Assert.Equal(2, ((SampleJob)Job.FromPicture(program["v.png"])).Guidance); // what `train diffusion` wrote
        Assert.Equal(0, program.Run([.. vary, "--edit", "a dog", "--alpha", "0.5", "--script-edit", "--norm", "paper", "-o", program["e.png"]]).Code);
        Assert.NotEqual(program.Bytes("v.png"), program.Bytes("e.png"));
        Assert.Contains("kept", program.Run("ipc", "measure", "--model", program.Model, "--threads", "1").Output);

        Directory.CreateDirectory(program["held/red fox"]);
        foreach (var copy in new[] { "0", "1" }) File.Copy(program["a.png"], program[$"held/red fox/{copy}.png"]);
        string[] again = ["eval", "variations", program["held"], "--model", program["sd"], "--steps", "2", "--threads", "1", "-o", program["again"]];
        var drawn = program.Run(again);
        Assert.True(drawn.Code == 0 && drawn.Output.Contains("4 drawn, 0 there", StringComparison.Ordinal) && File.Exists(program["again/ipc/0001-red-fox.png"]) && File.Exists(program["again/sheet.png"]), drawn.Error);
        Assert.Equal("a photo of a red fox", ((SampleJob)Job.FromPicture(program["again/text/0000-red-fox.png"])).Prompt);
        File.Delete(program["again/text/0000-red-fox.png"]);
        Assert.Contains("1 drawn, 3 there", program.Run(again).Output, StringComparison.Ordinal);
        Assert.Equal(2, Obverse.Evaluation.TableSpec.Load(program["again/table.json"]).Methods.Count);
        Assert.Contains("2 drawn", program.Run([.. again, "--n", "1", "--edit", "{a} in the snow", "--alphas", "0,0.5"]).Output, StringComparison.Ordinal);
        Assert.Equal("a red fox in the snow", ((SampleJob)Job.FromPicture(program["again/alpha-0.5/0000-red-fox.png"])).References!.Edit);
        Assert.Contains("4 drawn", program.Run([.. again, "--mix"]).Output, StringComparison.Ordinal);
        Assert.Equal(ReferenceShare.Rows, ((SampleJob)Job.FromPicture(program["again/rows/0001-red-fox.png"])).References!.Share);
        Assert.Equal(4, Obverse.Evaluation.TableSpec.Load(program["again/table.json"]).Measures.Count);
        Assert.Contains("--alphas needs --edit", program.Run([.. again, "--alphas", "1"]).Error, StringComparison.Ordinal);

        // Mistakes: one line each, exit code 2, nothing written.
        var before = program.Files;
        foreach (var (args, says) in new (string[], string)[]
        {
            ([.. draw, "--size", "15"], "multiples of 2"), ([.. draw, "--size", "4096"], "would fit; OBVERSE_MEMORY="), ([.. draw, "--fast", "0"], "--fast: '0' was given"), (["diffuse", "a red fox", "--model", program["sd"], "--steps", "0"], "--steps: '0'"), ([.. draw, "--sampler", "magic"], "--sampler: 'magic'"), ([.. draw, "--strength", "0.5"], "--strength needs --init"),
            (["diffuse", program["a.png"], "--model", program["sd"]], "is a file, a text was wanted"), (["vary", "a red fox", "--model", program["sd"]], "no such picture"),
            ([.. vary, "--edit", "x", "--alpha", "NaN"], "--alpha: 'NaN'"), ([.. vary, "--alpha", "1"], "need --edit"), (["diffuse", " ", "--model", program["sd"]], "prompt is empty"),
        })
        {
            var answer = program.Run(args);
            Assert.True(answer.Code == 2 && answer.Error.Contains(says, StringComparison.Ordinal), $"{string.Join(' ', args)}: {answer}");
        }

        Directory.Delete(program["sd/vae"], recursive: true);
        var broken = program.Run([.. draw, "-o", program["x.png"]]);
        Assert.True(broken.Code == 1 && broken.Error.Contains("no folder vae", StringComparison.Ordinal), broken.ToString());
        Assert.Equal(before, program.Files);
    }
}
