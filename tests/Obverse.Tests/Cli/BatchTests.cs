using Obverse.Jobs;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>`obverse batch` on a tiny model.</summary>
[Collection("command line")]
public class BatchTests
{
    private static string[] Batch(Program program, string file, params string[] more) =>
        ["batch", program[file], "-o", program["out"], "--model", program.Model, "--quality", "draft", "--steps", "3", "--views", "2", "--size", "32", .. more];

    [Fact]
    public void Every_line_is_drawn_once_whoever_draws_it_and_replays_to_its_bytes()
    {
        using var program = new Program();
        File.WriteAllLines(program["prompts.txt"], ["a tabby cat", "", "a red fox | a dog:0.5", "the red cat"]);
        Assert.Equal(0, program.Run(Batch(program, "prompts.txt", "--shard", "2/2")).Code);
        Assert.Equal(["0003-a-red-fox-a-dog-0-5.png"], Directory.EnumerateFiles(program["out"], "0*.png").Select(path => Path.GetFileName(path)));
        var whole = program.Run(Batch(program, "prompts.txt", "--workers", "2", "--json"));
        Assert.True(whole.Code == 0, whole.Error);
        var result = whole.Lines[^1];
        Assert.Equal((2, 1, 0), (result.GetProperty("drawn").GetInt32(), result.GetProperty("alreadyThere").GetInt32(), result.GetProperty("failed").GetInt32()));
        Assert.True(File.Exists(program["out/sheet.png"]));
        foreach (var picture in Directory.EnumerateFiles(program["out"], "0*.png")) Assert.Equal(0, program.Run("replay", picture, "--check").Code);

        // Cut short by a kill, or made by other numbers: drawn again.
        File.WriteAllBytes(program["out/0001-a-tabby-cat.png"], program.Bytes("out/0001-a-tabby-cat.png")[..100]);
        Assert.Equal(1, program.Run(Batch(program, "prompts.txt", "--workers", "1", "--json")).Lines[^1].GetProperty("drawn").GetInt32());
        Assert.Equal(3, program.Run(Batch(program, "prompts.txt", "--workers", "1", "--json", "--seed", "5")).Lines[^1].GetProperty("drawn").GetInt32());
    }

    [Fact]
    public void Json_lines_say_seed_and_file()
    {
        using var program = new Program();
        File.WriteAllLines(program["prompts.jsonl"], ["""{"prompt": "a red fox", "seed": 9, "file": "foxes/red.png"}""", """{"file": "photo.jpg", "captions": ["a dog", "a cat"]}"""]);
        Assert.Equal(0, program.Run(Batch(program, "prompts.jsonl")).Code);
        Assert.Equal(9ul, InversionJob.FromPicture(program["out/foxes/red.png"]).Seed);
        Assert.Equal("a dog", InversionJob.FromPicture(program["out/0002-a-dog.png"]).Prompt.ToString());
    }

    [Theory]
    [InlineData("""{"prompt": "a fox", "file": "../fox.png"}""", "line 1: file '../fox.png'")]
    [InlineData("""{"prompt": 7}""", "line 1:")]
    [InlineData("""{"words": "a fox"}""", "line 1: a \"prompt\"")]
    [InlineData("""{"prompt": "a fox""", "line 1:")]
    [InlineData("""{"prompt": "ugly:-1"}""", "line 1: the prompt 'ugly:-1'")]
    public void A_line_that_says_nothing_is_named(string line, string said)
    {
        using var program = new Program();
        File.WriteAllText(program["prompts.jsonl"], line + "\n");
        var answer = program.Run(Batch(program, "prompts.jsonl"));
        Assert.Equal(1, answer.Code);
        Assert.Contains(said, answer.Line, StringComparison.Ordinal);
        Assert.False(Directory.Exists(program["out"]));
    }
}
