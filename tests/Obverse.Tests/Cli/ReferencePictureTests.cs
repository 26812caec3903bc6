using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>Several reference pictures, other encoders, and stories.</summary>
[Collection("command line")]
public class ReferencePictureTests
{
    [Fact]
    public void Several_pictures_are_one_prompt_by_their_mean_or_by_rows()
    {
        using var program = Pictures();
        byte[] Drawn(string to, params string[] more)
        {
            var answer = program.Run([.. Vary(program, to), .. more]);
            Assert.True(answer.Code == 0, $"{answer.Code} {answer.Error}");
            return Picture.Load(program[to]).Rgb.ToArray();
        }

        var (a, b) = (program["a.png"], program["b.png"]);
        var (one, two, mean, rows) = (Drawn("1.png", a), Drawn("2.png", b), Drawn("3.png", a, b), Drawn("4.png", a, b, "--share", "rows"));
        Assert.Equal(4, new[] { one, two, mean, rows }.DistinctBy(Convert.ToHexString).Count());
        Assert.Equal(one, Drawn("5.png", a, b + ":0"));
        Assert.Equal(one, Drawn("6.png", a, b + ":0", "--share", "rows"));
        Assert.NotEqual(mean, Drawn("7.png", a, b + ":0.2"));
        Assert.NotEqual(rows, Drawn("8.png", a, b, "--share", "rows", "--edit", "a dog"));
        var job = (SampleJob)Job.FromPicture(program["7.png"]);
        Assert.Equal([1.0, 0.2], job.References!.Pictures.Select(picture => picture.Weight));
        Assert.Equal(0, program.Run("replay", program["8.png"], "--check").Code);
        foreach (var (args, says) in new (string[], string)[] { ([a, b + ":-1"], "weight is 0 or more"), ([a + ":0"], "all weights are 0"), ([a, "--share", "all"], "mean or rows"), ([], "no picture given") })
        {
            var answer = program.Run([.. Vary(program, "x.png"), .. args]);
            Assert.True(answer.Code == 2 && answer.Line.Contains(says, StringComparison.Ordinal), $"{answer.Code} {answer.Error}");
        }
    }

    [Fact]
    public void Another_CLIP_sees_the_pictures_where_its_text_projection_fits()
    {
        using var program = Pictures();
        string[] draw(string encoder) => [.. Vary(program, "v.png"), program["a.png"], "--encoder", encoder];
        // The same text encoder under other eyes fits without a word.
        var eyes = Other(program, "eyes", 32, name => name.StartsWith("visual.", StringComparison.Ordinal));
        var fits = program.Run(draw(eyes));
        Assert.True(fits.Code == 0 && !fits.Error.Contains("not the model's", StringComparison.Ordinal), $"{fits.Code} {fits.Error}");
        Assert.Equal(eyes, ((SampleJob)Job.FromPicture(program["v.png"])).References!.Encoder!.Name);
        Assert.Equal(0, program.Run("replay", program["v.png"], "--check").Code);
        // Another text encoder of the same width is said.
        var words = program.Run(draw(Other(program, "words", 32, _ => true)));
        Assert.True(words.Code == 0 && words.Error.Contains("its text encoder is not the model's", StringComparison.Ordinal), $"{words.Code} {words.Error}");
        // One of another width is refused.
        var wide = program.Run(draw(Other(program, "wide", 48, _ => true)));
        Assert.True(wide.Code == 2 && wide.Line.Contains("its text projection starts from 48 numbers, the model's text encoder gives 32", StringComparison.Ordinal), $"{wide.Code} {wide.Error}");
        Assert.Contains("no model 'nowhere'", program.Run(draw("nowhere")).Line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_story_is_a_picture_a_sentence_of_one_reference()
    {
        using var program = Pictures();
        File.WriteAllLines(program["rusty.txt"], ["a red fox", "", "a dog", "a cat"]);
        string[] draw(string to, params string[] more) => ["story", program["rusty.txt"], "--reference", program["a.png"], .. SampleJobTests.Common(program), "--cutoff", "0", "-o", program[to], .. more];
        var drawn = program.Run(draw("story"));
        Assert.True(drawn.Code == 0 && drawn.Output.Contains("3 drawn", StringComparison.Ordinal), $"{drawn.Code} {drawn.Error}");
        string[] files = [.. Directory.GetFiles(program["story"], "0*.png").Order(StringComparer.Ordinal)];
        Assert.Equal(3, files.Length);
        Assert.Equal(["a red fox", "a dog", "a cat"], files.Select(file => ((SampleJob)Job.FromPicture(file)).References!.Edit));
        Assert.Contains("3 there already", program.Run(draw("story")).Output, StringComparison.Ordinal);
        var chained = program.Run(draw("chained", "--chain", "0.5"));
        Assert.True(chained.Code == 0, $"{chained.Code} {chained.Error}");
        var second = (SampleJob)Job.FromPicture(Directory.GetFiles(program["chained"], "0003-*.png").Single());
        Assert.Equal([1.0, 0.5], second.References!.Pictures.Select(picture => picture.Weight));
        Assert.Contains("0001-", second.References.Pictures[1].Picture.Path, StringComparison.Ordinal);
        Assert.Contains("3 there already", program.Run(draw("chained", "--chain", "0.5")).Output, StringComparison.Ordinal);
        Assert.Contains("--reference", program.Run("story", program["rusty.txt"], "-o", program["x"]).Line, StringComparison.Ordinal);
    }

    private static Program Pictures()
    {
        var program = SampleJobTests.Tiny();
        SampleJobTests.Flat(program, "a.png", 20);
        new Picture(16, 16, [.. Enumerable.Range(0, 16 * 16 * 3).Select(i => (byte)(i * 37 % 256))]).Save(program["b.png"]);
        return program;
    }

    private static string[] Vary(Program program, string to) => ["vary", .. SampleJobTests.Common(program), "--cutoff", "0", "-o", program[to]];

    // A CLIP with other weights where asked, of another width of the text encoder perhaps.
    private static string Other(Program program, string name, int width, Func<string, bool> changes)
    {
        using var toy = ClipModel.Load(program.Model);
        using var random = new Generator(9);
        using var other = ClipModel.New(toy.Config with { Text = toy.Config.Text with { Width = width } }, random);
        other.Tokenizer = toy.Tokenizer;
        using var still = new NoGrad();
        using var scope = new TensorScope();
        foreach (var (key, tensor) in other.Weights.All) if (!changes(key)) tensor.CopyInPlace(toy.Weights.All[key]);
        other.Save(program[name]);
        return program[name];
    }
}
