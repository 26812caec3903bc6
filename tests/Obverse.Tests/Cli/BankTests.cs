using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Tests.Engine;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>The whole of CLIP^-1 on the command line, from a bank of a tiny model.</summary>
[Collection("command line")]
public class BankTests
{
    private static readonly string[] captions = ["a tabby cat", "a red fox", "a photo of a dog", "the red cat", "a dog"];

    [Fact]
    public void A_picture_started_from_a_bank_replays_and_resumes_to_the_same_bytes()
    {
        using var program = new Program();
        Bank(program, "bank.safetensors");
        string[] drawing = ["invert", "the red cat", "--recipe", "implicit-fast", "--bank", program["bank.safetensors"], "--model", program.Model, "--steps", "5", "--views", "2", "--size", "32", "--out", program["cat.png"]];
        Assert.Equal(0, program.Run(drawing).Code);
        Assert.Equal(0, program.Run("replay", program["cat.png"], "--check").Code);

        var whole = program.Bytes("cat.png");
        File.Delete(program["cat.png"]);
        Assert.Equal(1, program.Stopped(2, drawing).Code);
        Assert.Equal(0, program.Run("invert", "--resume", program["cat.checkpoint.safetensors"], "--out", program["cat.png"]).Code);
        Assert.Equal(whole, program.Bytes("cat.png"));

        // The bank's own plan is in the run, and another bank of that name is refused.
        Assert.Equal(Inr.Finer(1, 16), InversionJob.FromPicture(program["cat.png"]).Recipe.Canvas);
        Bank(program, "bank.safetensors", steps: 1);
        var changed = program.Run("replay", program["cat.png"], "--check");
        Assert.Equal(1, changed.Code);
        Assert.Contains("bank.safetensors: not the bank of the job", changed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_begins_as_the_entry_of_the_nearest_caption_and_switches_are_independent()
    {
        using var program = new Program();
        Bank(program, "bank.safetensors");
        using var workshop = new Workshop();
        var encoder = workshop.Model(program.Model).Encoder;
        using var bank = InrBank.Open(program["bank.safetensors"]);
        Assert.Equal(captions, bank.Index.Captions);
        var recipe = Recipes.Implicit(width: 32, height: 32) with { Canvas = bank.Plan };
        var run = new InversionJob { Recipe = recipe, Prompt = Prompt.Parse("the red cat"), Models = [new(program.Model)], Width = 32, Height = 32 };
        using var scope = new TensorScope();
        long[] Best(Func<int, float> score) => [.. Enumerable.Range(0, captions.Length).OrderByDescending(score).Select(i => (long)i)];

        // By hand: captions' cosines, and the sum of both; of a text that they put in another order.
        (string Text, Tensor Prompt, long[] Captioned, long[] Both) Ordered(string text)
        {
            var embedded = encoder.Embed([text])[0];
            float[] byCaption = bank.Index.Texts.Matmul(embedded).ToArray<float>(), byPicture = bank.Index.Images.Matmul(embedded).ToArray<float>();
            return (text, embedded, Best(i => byCaption[i]), Best(i => byCaption[i] + byPicture[i]));
        }

        var (text, prompt, captioned, both) = new[] { "the red cat", "a red fox", "a tabby cat", "a photo of a dog", "a cat", "a photo" }.Select(Ordered).First(one => !one.Captioned.SequenceEqual(one.Both));
        InversionJob Of(BankPlan prior, ulong seed) => new() { Recipe = Recipes.ImplicitBlend(width: 32, height: 32).On(bank.Plan) with { Bank = prior }, Prompt = Prompt.Parse(text), Models = [new(program.Model)], Width = 32, Height = 32, Seed = seed, Bank = InrBank.Describe(program["bank.safetensors"]) };
        long Started(BankPlan prior, ulong seed)
        {
            using var inversion = Of(prior, seed).Begin(workshop);
            return Enumerable.Range(0, captions.Length).Single(entry =>
            {
                using var one = bank.Take(entry, 32, 32);
                return (one.Render() - inversion.Canvas.Render()).Abs().Max().Item() == 0;
            });
        }

        for (ulong seed = 0; seed < 4; seed++)
        {
            Assert.Equal(captioned[0], Started(new() { Neighbours = 0 }, seed));
            Assert.Equal(captioned[seed % 3], Started(new() { Neighbours = 0, Starts = 3 }, seed));
            Assert.Equal(both[seed % 3], Started(new() { Neighbours = 0, Starts = 3, StartsByPair = true }, seed));
        }

        Assert.Equal(both[99 % captions.Length], Started(new() { Neighbours = 0, Starts = 1000, StartsByPair = true }, 99)); // a bank of fewer

        using var byCaptions = Of(new() { Neighbours = 0, Blended = 2 }, 0).Begin(workshop);
        using var byPictures = Of(new() { Neighbours = 0, Blended = 2, BlendsByPicture = true }, 0).Begin(workshop);
        var blend = Blend.Of(prompt, bank.Index.Images, bank.Index.Images, 2);
        Assert.True((byPictures.Targets[Targets.Pictures][0].Direction - blend.Target).Abs().Max().Item() < 1e-5);
        Assert.True((byPictures.Targets[Targets.Pictures][0].Direction - byCaptions.Targets[Targets.Pictures][0].Direction).Abs().Max().Item() > 1e-3);

        // Aligned first, where it is aligned.
        using var aligned = Of(new() { Neighbours = 5, Blended = 2, BlendsByPicture = true }, 0).Begin(workshop);
        var near = Blend.Of(bank.Index.Align(prompt, 5), bank.Index.Images, bank.Index.Images, 2);
        Assert.True((aligned.Targets[Targets.Pictures][0].Direction - near.Target).Abs().Max().Item() < 1e-5);
    }

    [Fact]
    public void What_draws_where_nothing_is_said_is_the_bank_where_there_is_one()
    {
        using var program = new Program();
        Bank(program, "bank.safetensors");
        string Recipe(params string[] more)
        {
            var drawn = program.Run(["invert", "a red fox", "--steps", "2", "--views", "1", "--size", "32", "--no-judge", "--out", program["fox.png"], .. more]);
            Assert.True(drawn.Code == 0, drawn.Error);
            return InversionJob.FromPicture(program["fox.png"]).Recipe.Name;
        }

        Assert.Equal("implicit-blend", Recipe());
        Assert.Equal("implicit-plain", Recipe("--model", "pocket-clip"));
        Assert.Equal("implicit-plain", Recipe("--model", program.Model));
        Assert.Equal("implicit-blend", Recipe("--model", program.Model, "--bank", program["bank.safetensors"]));
        Assert.Equal("pyramid", Recipe("--start", program["fox.png"]));
        Assert.Equal("implicit-plain", Recipe("--recipe", "implicit-plain"));
    }

    [Fact]
    public void A_gallery_draws_from_a_bank_too()
    {
        using var program = new Program();
        Bank(program, "bank.safetensors");
        Answer Gallery(params string[] more) => program.Run(["gallery", program["out"], "--names", "a red fox", "--quality", "draft", "--size", "32", "--model", program.Model, "--judge", program.Model, "--threads", "1", .. more]);
        Assert.Equal(2, Gallery("--recipes", "implicit-blend").Code);
        Assert.Equal(2, Gallery("--recipes", "pyramid", "--bank", program["bank.safetensors"]).Code);
        var drawn = Gallery("--recipes", "implicit-blend", "--bank", program["bank.safetensors"]);
        Assert.True(drawn.Code == 0, drawn.Error);
        Assert.Contains("| implicit-blend |", drawn.Output, StringComparison.Ordinal);
        var run = InversionJob.FromPicture(program["out/pictures/implicit-blend/a-red-fox.png"]);
        Assert.Equal((Inr.Finer(1, 16), program["bank.safetensors"]), ((Inr)run.Recipe.Canvas, run.Bank!.Path));
    }

    [Fact]
    public void Captions_are_embedded_again_and_nothing_else_changes()
    {
        using var program = new Program();
        Bank(program, "bank.safetensors");
        Assert.Equal(0, program.Run("bank", "embed", program["bank.safetensors"], "-o", program["same.safetensors"]).Code);
        Assert.Equal(0, program.Run("bank", "embed", program["bank.safetensors"], "--bare", "-o", program["bare.safetensors"]).Code);
        using InrBank bank = InrBank.Open(program["bank.safetensors"]), same = InrBank.Open(program["same.safetensors"]), bare = InrBank.Open(program["bare.safetensors"]);
        using var scope = new TensorScope();
        Assert.True((bank.Index.Texts - same.Index.Texts).Abs().Max().Item() < 2e-3, "the text encoder is the same");
        Assert.Equal(["tabby cat", "red fox", "dog", "red cat", "dog"], bare.Index.Captions);
        Assert.True((bank.Index.Texts - bare.Index.Texts).Abs().Max().Item() > 0.01);
        Assert.Equal(0, (bank.Index.Images - bare.Index.Images).Abs().Max().Item(), 1e-3);
        using InrCanvas was = bank.Take(2, 16, 16), now = bare.Take(2, 16, 16);
        Assert.Equal(0, (was.Render() - now.Render()).Abs().Max().Item());
        Assert.Equal((bank.Index.ModelSha256, bank.Settings), (bare.Index.ModelSha256, bare.Settings));
    }

    [Fact]
    public void A_gallery_asks_in_several_wordings_and_the_judge_for_the_name()
    {
        using var program = new Program();
        string[] gallery = ["gallery", program["g"], "--names", "goldfish,owl", "--recipes", "implicit-plain", "--wordings", "{};a photo of {a}", "--quality", "draft", "--size", "32", "--model", program.Model, "--judge", program.Model];
        var answer = program.Run(gallery);
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Contains("| a photo of {a} |", answer.Output, StringComparison.Ordinal);
        var pictures = Directory.GetFiles(program["g/pictures"], "*.png", SearchOption.AllDirectories);
        Assert.Equal(["a photo of a goldfish", "a photo of an owl", "goldfish", "owl"], pictures.Select(path => InversionJob.FromPicture(path).Prompt.ToString()).Order());
        gallery[Array.IndexOf(gallery, "{};a photo of {a}")] = "a photo";
        answer = program.Run(gallery);
        Assert.Equal(2, answer.Code);
        Assert.Contains("'a photo' has no place for the name", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_comparison_has_a_row_for_each_recipe_and_model_and_takes_weighted_prompts()
    {
        using var program = new Program();
        Directory.CreateDirectory(program["other"]);
        foreach (var file in Directory.GetFiles(program.Model)) File.Copy(file, Path.Combine(program["other"], Path.GetFileName(file)));
        string[] compare = ["compare", "a fox | blurry:-0.3", "goldfish", "--recipes", "implicit-plain,pyramid", "--models", $"{program.Model},{program["other"]}", "--quality", "draft", "--size", "32", "--steps", "3", "--judge", program.Model, "-o", program["c"]];
        var answer = program.Run(compare);
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Equal(8, Directory.GetFiles(program["c/pictures"], "*.png", SearchOption.AllDirectories).Length);
        Assert.Equal(4, answer.Output.Split('\n').Count(line => line.StartsWith("| implicit-plain, ", StringComparison.Ordinal) || line.StartsWith("| pyramid, ", StringComparison.Ordinal)));
        Assert.True(File.Exists(program["c/sheet.png"]));
        var written = File.GetLastWriteTimeUtc(Directory.GetFiles(program["c/pictures"], "*.png", SearchOption.AllDirectories)[0]);
        Assert.Equal(0, program.Run(compare).Code);
        Assert.Equal(written, File.GetLastWriteTimeUtc(Directory.GetFiles(program["c/pictures"], "*.png", SearchOption.AllDirectories)[0]));
    }

    [Fact]
    public void Banks_that_do_not_belong_are_refused()
    {
        using var program = new Program();
        Bank(program, "bank.safetensors", model: "another");
        Answer Draw(params string[] more) => program.Run(["invert", "a cat", "--model", program.Model, "--steps", "2", "--size", "32", "--out", program["x.png"], .. more]);
        var other = Draw("--recipe", "implicit", "--bank", program["bank.safetensors"]);
        Assert.Equal(2, other.Code);
        Assert.Contains("the index was made with another", other.Error, StringComparison.Ordinal);
        Assert.Equal((2, $"obverse: recipe 'implicit' starts from a bank built with {program.Model}: give its file with --bank (`obverse bank build` builds one)"), (Draw("--recipe", "implicit") is var none ? none.Code : 0, Draw("--recipe", "implicit").Line));
        Assert.Equal(2, Draw("--recipe", "pyramid", "--bank", program["bank.safetensors"]).Code);
        Assert.Equal(1, Draw("--recipe", "implicit", "--bank", Path.Combine(program.Model, "open_clip_model.safetensors")).Code);
        Assert.Equal(1, Draw("--recipe", "implicit", "--bank", program["none.safetensors"]).Code);
        Assert.False(File.Exists(program["x.png"]));
    }

    [Fact]
    public void Where_no_bank_is_given_the_zoos_is_taken_by_its_name()
    {
        using var program = new Program();
        var drawn = program.Run("invert", "a red fox", "--recipe", "implicit", "--steps", "2", "--views", "1", "--size", "32", "--no-judge", "--out", program["fox.png"]);
        Assert.True(drawn.Code == 0, drawn.Error);
        Assert.Equal("pocket-bank", InversionJob.FromPicture(program["fox.png"]).Bank!.Path); // a name, not this machine's path
        Assert.Equal(0, program.Run("replay", program["fox.png"], "--check").Code);
        Assert.Equal(2, program.Run("invert", "a red fox", "--recipe", "implicit", "--model", "pocket-clip", "--out", program["x.png"]).Code); // it is pocket-clipag's
    }

    internal static void Bank(Program program, string name, string? model = null, int steps = 5)
    {
        using var scope = new TensorScope();
        using var encoder = ClipEncoder.Load(program.Model);
        using var random = new Generator(6);
        var pictures = random.Uniform(0, 1, captions.Length, 3, 4, 4).Resize(32, 32, Interpolation.Bicubic).Clamp(0, 1);
        var (fit, plan) = (new InrFit { Steps = steps }, Inr.Finer(hidden: 1, width: 16));
        using var fitted = InrFit.Start(plan, captions.Length, 32, 32, random);
        foreach (var _ in fit.Run(fitted, fit.Targets(pictures))) { }
        using var bank = new InrBank(plan, [.. fitted.Groups.Select(layer => (layer.Parameters[0], layer.Parameters[1]))], new RetrievalIndex(model ?? encoder.Name, encoder.Embed(captions), encoder.Embed(pictures), captions));
        bank.Save(program[name]);
    }
}
