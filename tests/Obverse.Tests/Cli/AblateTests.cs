using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>`obverse ablate` on a tiny model that draws and judges.</summary>
[Collection("command line")]
public class AblateTests
{
    [Fact]
    public void Killed_and_sharded_it_draws_everything_once()
    {
        using var program = new Program();
        File.WriteAllLines(program["captions.txt"], ["a tabby cat", "", "a red fox", "a dog"]);
        string[] Ablate(params string[] more) => ["ablate", "--captions", program["captions.txt"], "--variants", "plain,pyramid", "--quality", "draft", "--size", "32", "--model", program.Model, "--judge", program.Model, "--threads", "1", "-o", program["out"], .. more.Contains("--steps") ? more : [.. more, "--steps", "2"]];
        var part = program.Run(Ablate("--shard", "1/2"));
        Assert.True(part.Code == 0, part.Error);
        Assert.Contains("2 captions, 32 px", part.Output, StringComparison.Ordinal); // the first and the third
        int Rows() => Directory.EnumerateFiles(program["out"], "results*.sqlite").Sum(Count);
        static int Count(string file)
        {
            using var log = Database.Open(file, Ablation.Log);
            return log.Read("select count(*) from results", row => row.GetInt32(0))[0];
        }

        Assert.Equal(4, Rows());

        // A kill before a picture was there, and one before it was measured.
        using (var log = Database.Open(program["out/results-1-of-2.sqlite"], Ablation.Log)) log.Run("delete from results where caption = 2");
        File.Delete(Directory.GetFiles(program["out/pictures/pyramid"], "0003-*.png").Single());
        var spoilt = Directory.GetFiles(program["out/pictures/plain"], "0001-*.png").Single();
        var bytes = File.ReadAllBytes(spoilt);
        bytes[^30] ^= 4; // a bit of its pixels
        File.WriteAllBytes(spoilt, bytes);
        var again = program.Run(Ablate("--shard", "1/2"));
        Assert.Contains($"{Path.GetFileName(spoilt)}: PNG damaged", again.Error, StringComparison.Ordinal);
        Assert.Equal(2, again.Error.Split('\n').Count(line => line.Contains("rank", StringComparison.Ordinal)));
        Assert.Equal(0, program.Run(Ablate("--shard", "2/2")).Code);
        // What is there so far, with nothing drawn: two of three captions when the other shard's file is away.
        File.Move(program["out/results-2-of-2.sqlite"], program["away"]);
        var soFar = program.Run(Ablate("--report"));
        Assert.Contains("2 captions, 32 px", soFar.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("rank", soFar.Error, StringComparison.Ordinal);
        File.Move(program["away"], program["out/results-2-of-2.sqlite"]);
        var whole = program.Run(Ablate());
        Assert.DoesNotContain("rank", whole.Error, StringComparison.Ordinal); // nothing left to draw
        Assert.Contains("3 captions, 32 px", whole.Output, StringComparison.Ordinal);
        Assert.Contains("| pyramid |", whole.Output, StringComparison.Ordinal);
        Assert.Equal(7, File.ReadAllLines(program["out/table.csv"]).Length);
        using (var clip = ClipEncoder.Load(program.Model))
        using (var scope = new TensorScope())
        {
            // CLIPSIM is of the picture and the caption as they are.
            var row = File.ReadAllLines(program["out/table.csv"]).Single(line => line.StartsWith("plain,0,", StringComparison.Ordinal)).Split(',');
            var picture = Picture.Load(Directory.GetFiles(program["out/pictures/plain"], "0001-*.png").Single());
            Assert.Equal(100 * (clip.Embed(picture.ToTensor())[0] * clip.Embed(["a tabby cat"])[0]).Sum().Item(), double.Parse(row[3], System.Globalization.CultureInfo.InvariantCulture), 1);
        }

        Assert.True(File.Exists(program["out/sheet.png"]));

        // Other numbers are another comparison, and drawn anew: --steps is for the INRs, the pyramid stays.
        Assert.Equal(3, program.Run(Ablate("--steps", "3")).Error.Split('\n').Count(line => line.Contains("rank", StringComparison.Ordinal)));
    }

    [Fact]
    public void Progressive_resolution_is_all_that_the_progressive_variant_differs_in()
    {
        var all = Ablations.All(steps: null, canvas: null, Quality.Normal, side: 128).ToDictionary(variant => variant.Name);
        Assert.Null(all["implicit-plain"].Recipe.Schedule.Progressive);
        Assert.Equal(Recipes.Named(Recipes.FromNothing, Quality.Normal, 128, 128), all["progressive"].Recipe);
        Assert.Equal(all["implicit-plain"].Recipe, all["progressive"].Recipe.Exact());
        Assert.All(Ablations.Usual, name => Assert.Null(all[name].Recipe.Schedule.Progressive)); // methods are compared whole
    }

    [Fact]
    public void Distances_to_real_pictures_have_intervals_around_their_difference()
    {
        using var program = new Program();
        File.WriteAllLines(program["captions.txt"], Enumerable.Range(0, 12).Select(i => $"a red fox {i}"));
        Directory.CreateDirectory(program["real"]);
        for (var i = 0; i < 9; i++) IndexSourceTests.Noise(i).Save(program[$"real/{i}.png"]);
        var answer = program.Run("ablate", "--captions", program["captions.txt"], "--variants", "plain,pyramid", "--quality", "draft", "--steps", "1", "--size", "32", "--model", program.Model, "--judge", program.Model, "--threads", "1", "--real", program["real"], "-o", program["out"]);
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Contains("12 pictures against 9 of real", answer.Output, StringComparison.Ordinal);
        string Distance(string variant) => answer.Output.Split('\n').Single(line => line.StartsWith($"| {variant} |", StringComparison.Ordinal)).Split('|')[7].Trim();
        Assert.DoesNotContain("[", Distance("plain"), StringComparison.Ordinal); // the first is what the others are compared with
        var found = System.Text.RegularExpressions.Regex.Match(Distance("pyramid"), @"^\d+ \[([+-]\d+), ([+-]\d+)\]$");
        Assert.True(found.Success, Distance("pyramid"));
        Assert.True(int.Parse(found.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) <= int.Parse(found.Groups[2].Value, System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public void What_one_judge_said_is_not_another_s()
    {
        using var program = new Program();
        File.WriteAllLines(program["captions.txt"], ["a tabby cat", "a red fox"]);
        var another = program.Another(seed: 8);
        Answer Ablate(string judge, params string[] more) => program.Run(["ablate", "--captions", program["captions.txt"], "--variants", "plain,pyramid", "--quality", "draft", "--steps", "1", "--size", "32", "--model", program.Model, "--judge", judge, "--threads", "1", "-o", program["out"], .. more]);
        var first = Ablate(program.Model);
        Assert.True(first.Code == 0, first.Error);
        var second = Ablate(another);
        Assert.DoesNotContain("rank", second.Error, StringComparison.Ordinal); // nothing was drawn again
        string Judged(Answer answer) => string.Join("|", answer.Output.Split('\n').Single(line => line.StartsWith("| plain |", StringComparison.Ordinal)).Split('|')[3..7]);
        Assert.NotEqual(Judged(first), Judged(second));
        Assert.Equal(Judged(first), Judged(Ablate(program.Model, "--report")));
    }

    [SkippableFact]
    public void Features_of_a_published_network_are_those_of_the_trunk_made_of_it()
    {
        var file = Path.Combine(Fixtures.Data, "tf_efficientnet_lite0.in1k.fp16.safetensors");
        Skip.IfNot(File.Exists(file), $"no weights at {file}");
        using var features = FeatureNetwork.Load(file);
        using var trunk = FeatureNetwork.Load("pocket-clip", pooled: true); // its trunk is that network, as it was published
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var random = new Generator(2);
        var images = random.Uniform(-1, 1, 2, 3, 96, 96);
        Assert.Equal("EfficientNet-Lite0", features.Name);
        Assert.InRange((features.Features(images) - trunk.Features(images)).Abs().Max().Item(), 0, 2e-3);
    }

    [Theory]
    [InlineData("no variant 'nothing'", "--variants", "nothing")]
    [InlineData("starts from a bank", "--variants", "full")]
    [InlineData("--n 4 was given; the file has 1 captions", "--variants", "plain", "--n", "4")]
    [InlineData("I from 1 to N", "--shard", "3/2")]
    public void What_cannot_be_is_refused_before_anything_is_loaded(string said, params string[] more)
    {
        using var program = new Program();
        File.WriteAllLines(program["captions.txt"], ["a tabby cat"]);
        var answer = program.Run(["ablate", "--captions", program["captions.txt"], "-o", program["out"], "--model", program.Model, "--judge", program.Model, .. more]);
        Assert.Equal(2, answer.Code);
        Assert.Contains(said, answer.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(program["out"]));
    }

    [Fact]
    public void Without_banks_the_usual_variants_are_those_that_need_none()
    {
        using var program = new Program();
        File.WriteAllLines(program["captions.txt"], ["a tabby cat"]);
        var answer = program.Run("ablate", "--captions", program["captions.txt"], "-o", program["out"], "--model", program.Model, "--judge", program["nobody"]); // stops before anything is drawn
        Assert.Equal(2, answer.Code);
        Assert.Contains("left out: full, no-sweep, no-awp, no-procrustes, no-blend, 40-steps, implicit-blend (give --bank and --plain-bank)", answer.Error, StringComparison.Ordinal);
    }
}
