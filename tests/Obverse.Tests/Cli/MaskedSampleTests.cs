using Obverse.Imaging;
using Obverse.Jobs;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>Inpainting, hidden words and attention maps.</summary>
[Collection("command line")]
public class MaskedSampleTests
{
    [Fact]
    public void Outside_the_mask_the_picture_stays_to_the_bit()
    {
        using var program = SampleJobTests.Tiny();
        SampleJobTests.Flat(program, "ref.png", 90);
        Plane(program, "half.png", (x, _) => x < 8 ? 255 : 0);
        Plane(program, "white.png", (_, _) => 255);
        Plane(program, "black.png", (_, _) => 0);
        Picture Drawn(string to, params string[] more)
        {
            var answer = program.Run(SampleJobTests.Draw(program, to, ["--init", program["ref.png"], .. more]));
            Assert.True(answer.Code == 0, $"{answer.Code} {answer.Error}");
            return Picture.Load(program[to]);
        }

        foreach (var sampler in Obverse.Diffusion.Sampler.Names)
        {
            var half = Drawn("a.png", "--mask", program["half.png"], "--sampler", sampler);
            byte[] rgb = half.Rgb.ToArray();
            for (var i = 0; i < rgb.Length; i++) if (i / 3 % 16 >= 8) Assert.Equal(90, rgb[i]);
            Assert.Contains(rgb.Where((_, i) => i / 3 % 16 < 8), level => level != 90);
        }

        Assert.All(Drawn("b.png", "--mask", program["black.png"]).Rgb.ToArray(), level => Assert.Equal(90, level));
        Assert.Equal(Drawn("c.png", "--strength", "1").Rgb.ToArray(), Drawn("d.png", "--mask", program["white.png"]).Rgb.ToArray());
        Assert.Contains("--mask needs --init", program.Run(SampleJobTests.Draw(program, "e.png", "--mask", program["white.png"])).Line, StringComparison.Ordinal);
        Assert.Equal(0, program.Run("replay", program["a.png"], "--check").Code);
    }

    [Fact]
    public void Hidden_words_change_the_picture_and_looking_does_not()
    {
        using var program = SampleJobTests.Tiny();
        byte[] Drawn(string to, params string[] more)
        {
            var answer = program.Run(SampleJobTests.Draw(program, to, more));
            Assert.True(answer.Code == 0, $"{answer.Code} {answer.Error}");
            return program.Bytes(to);
        }

        var plain = Drawn("a.png");
        var looked = program.Run(SampleJobTests.Draw(program, "b.png", "--attention", program["maps"], "--json"));
        Assert.True(looked.Code == 0, $"{looked.Code} {looked.Error}");
        Assert.Equal(plain, program.Bytes("b.png"));
        var maps = looked.Lines[^1].GetProperty("attention").EnumerateArray().ToArray();
        Assert.Equal(["(start)", "a", "red", "fox", "(end)"], maps.Select(map => map.GetProperty("word").GetString()));
        Assert.Equal(1, maps.Sum(map => map.GetProperty("share").GetDouble()), 1e-4);
        Assert.All(maps, map => Assert.True(File.Exists(map.GetProperty("file").GetString())));
        Assert.True(File.Exists(Path.Combine(program["maps"], "attention.png")));

        var (fox, all, before) = (Drawn("c.png", "--mask-words", "Fox"), Drawn("d.png", "--mask-words", "*"), Drawn("e.png", "--mask-words", "fox", "--mask-before-softmax"));
        Assert.Equal(4, new[] { plain, fox, all, before }.DistinctBy(Convert.ToHexString).Count());
        Assert.Equal(0, program.Run("replay", program["c.png"], "--check").Code);
        Assert.Equal(["fox"], ((SampleJob)Job.FromPicture(program["c.png"])).MaskedWords!);
        foreach (var (more, says) in new (string[], string)[]
        {
            (["--mask-words", "cat"], "'cat' is no word of the prompt, whose words are a, red, fox"), (["--mask-words", ","], "words of the prompt"), (["--mask-before-softmax"], "needs --mask-words"),
            (["--attention", program["maps"], "--n", "2"], "looks at one picture"),
        })
        {
            var answer = program.Run(SampleJobTests.Draw(program, "x.png", more));
            Assert.True(answer.Code == 2 && answer.Line.Contains(says, StringComparison.Ordinal), $"{answer.Code} {answer.Error}");
        }
    }

    private static void Plane(Program program, string name, Func<int, int, int> level) =>
        new Picture(16, 16, [.. Enumerable.Range(0, 16 * 16 * 3).Select(i => (byte)level(i / 3 % 16, i / 48))]).Save(program[name]);
}
