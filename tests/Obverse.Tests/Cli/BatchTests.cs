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

        // Cut short by a kill: drawn again.
        File.WriteAllBytes(program["out/0001-a-tabby-cat.png"], program.Bytes("out/0001-a-tabby-cat.png")[..100]);
        Assert.Equal(1, program.Run(Batch(program, "prompts.txt", "--workers", "1", "--json")).Lines[^1].GetProperty("drawn").GetInt32());

        // Made by other numbers: not drawn over.
        var before = program.Bytes("out/0001-a-tabby-cat.png");
        var other = program.Run(Batch(program, "prompts.txt", "--workers", "1", "--seed", "5"));
        Assert.Equal(2, other.Code);
        Assert.Contains("0001-a-tabby-cat.png is there already, made by other settings", other.Error, StringComparison.Ordinal);
        Assert.Equal(before, program.Bytes("out/0001-a-tabby-cat.png"));
    }

    [Fact]
    public void The_contact_sheet_is_no_picture_of_the_set()
    {
        using var program = new Program();
        File.WriteAllLines(program["prompts.txt"], ["a tabby cat", "a red fox"]);
        Assert.Equal(0, program.Run(Batch(program, "prompts.txt")).Code);
        Assert.Contains("N 2", program.Run("eval", "vendi", program["out"], "--network", program.Model, "--threads", "1").Output, StringComparison.Ordinal);
        Assert.DoesNotContain("sheet", program.Run("classify", program["out"], "--model", program.Model, "--names", "cat,dog", "--threads", "1").Output, StringComparison.Ordinal);
        var judged = program.Run(["judge", .. Directory.EnumerateFiles(program["out"], "*.png").Order(StringComparer.Ordinal), "--model", program.Model]);
        Assert.True(judged.Code == 0, judged.Error);
        Assert.Contains("sheet.png, a contact sheet", judged.Error, StringComparison.Ordinal);

        // Somebody's own picture of that name is one.
        File.Copy(program["out/0001-a-tabby-cat.png"], program["out/sheet.png"], overwrite: true);
        Assert.Contains("N 3", program.Run("eval", "vendi", program["out"], "--network", program.Model, "--threads", "1").Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_sheet_that_was_not_drawn_is_not_named()
    {
        using var program = new Program();
        File.WriteAllLines(program["lines.jsonl"], ["""{"images": ["nowhere.png"]}"""]);
        Skip.IfNot(Obverse.Models.Zoo.All.Contains("pocket-sd"), "models/pocket-sd is not in this checkout");
        var answer = program.Run("vary", "--batch", program["lines.jsonl"], "--out", program["out"], "--steps", "1", "--threads", "1");
        Assert.Contains("1 failed", answer.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("sheet", answer.Output, StringComparison.Ordinal);
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
    [InlineData("""{"prompt": 5}""", "line 1: \"prompt\": 5 was given, a text was wanted")]
    [InlineData("""{"prompt": "a fox", "seed": -3}""", "line 1: \"seed\": -3 was given, a whole number from 0")]
    [InlineData("""{"prompt": "a fox", "seed": 1.5}""", "line 1: \"seed\": 1.5 was given, a whole number")]
    [InlineData("""{"prompt": "a fox", "seed": "7"}""", "line 1: \"seed\": \"7\" was given, a whole number")]
    [InlineData("""{"prompt": "a fox", "file": 3}""", "line 1: \"file\": 3 was given, a text")]
    [InlineData("""{"captions": "a fox"}""", "line 1: \"captions\": \"a fox\" was given, a list")]
    [InlineData("""["a fox"]""", "line 1: [\"a fox\"] was given")]
    [InlineData("""{"prompt": "a \u0000fox"}""", "line 1: \"prompt\": U+0000")]
    [InlineData("""{"prompt": "a \ud800fox"}""", "line 1: \"prompt\": half of a character")]
    [InlineData("{\"prompt\": \"a fox\"}\n{\"prompt\": \"a \0dog\"}", "line 2: U+0000 is in it; lines of text in UTF-8 were wanted")]
    [InlineData("""{"prompt": "a fox", "file": "./sheet.png"}""", "line 1: file './sheet.png': is the name of the batch's contact sheet")]
    [InlineData("{\"prompt\": \"a fox\", \"file\": \"a.png\"}\n{\"prompt\": \"a cat\", \"file\": \"./a.png\"}", "line 2: 'a.png' is the file of line 1 too")]
    [InlineData("{\"prompt\": \"a fox\", \"file\": \"x//a.png\"}\n\n{\"prompt\": \"a cat\", \"file\": \"x/./a.png\"}", "line 3: 'x/a.png' is the file of line 1 too")]
    [InlineData("{\"prompt\": \"a fox\", \"file\": \"a.png/b.png\"}\n{\"prompt\": \"a cat\", \"file\": \"a.png\"}", "line 1: 'a.png/b.png' wants a folder where line 2")]
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

    [Fact]
    public void Bytes_that_are_no_text_are_named_by_their_line()
    {
        using var program = new Program();
        foreach (var (name, bytes) in new (string, byte[])[] { ("latin.txt", [.. "a fox\na caf"u8, 0xE9, .. "\n"u8]), ("cut.txt", [.. "a fox\na caf"u8, 0xC3]) })
        {
            File.WriteAllBytes(program[name], bytes);
            foreach (string[] ask in (string[][])[Batch(program, name), ["embed", "--text-file", program[name], "-o", program["out.safetensors"], "--model", program.Model]])
            {
                var answer = program.Run(ask);
                Assert.Equal(1, answer.Code);
                Assert.Contains($"{name}, line 2: the bytes {(name == "cut.txt" ? "C3" : "E9")}", answer.Line, StringComparison.Ordinal);
                Assert.Contains("no UTF-8; lines of text in UTF-8 were wanted", answer.Line, StringComparison.Ordinal);
            }
        }

        File.WriteAllText(program["bom.txt"], "a fox\r\na café\n", System.Text.Encoding.Unicode);
        Assert.Equal(["a fox", "a café"], Obverse.Files.TextLines.Read(program["bom.txt"]));
        File.WriteAllText(program["bom.txt"], "a fox\n", new System.Text.UTF8Encoding(true));
        Assert.Equal(["a fox"], Obverse.Files.TextLines.Read(program["bom.txt"]));
        if (File.Exists("/dev/zero")) Assert.Contains("line 1: U+0000", Assert.Throws<InvalidDataException>(() => Obverse.Files.TextLines.Read("/dev/zero")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_is_as_long_as_file_systems_take_and_no_longer()
    {
        using var program = new Program();
        File.WriteAllText(program["prompts.jsonl"], $$"""{"prompt": "a fox", "file": "{{new string('x', 251)}}.png"}""" + "\n");
        Assert.Equal(0, program.Run(Batch(program, "prompts.jsonl")).Code);
        Assert.True(File.Exists(program["out/" + new string('x', 251) + ".png"]));
        foreach (var name in new[] { new string('x', 252) + ".png", new string('é', 126) + ".png", new string('x', 256) + "/a.png" })
        {
            File.WriteAllText(program["prompts.jsonl"], $$"""{"prompt": "a fox", "file": "{{name}}"}""" + "\n");
            var answer = program.Run(Batch(program, "prompts.jsonl"));
            Assert.Equal(1, answer.Code);
            Assert.Contains("line 1: file", answer.Line, StringComparison.Ordinal);
            Assert.Contains("255 bytes", answer.Line, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(60)] // a letter of the job
    [InlineData(-30)] // the pixels
    [InlineData(-3)] // the last checksum
    public void A_finished_picture_of_which_a_byte_has_changed_is_drawn_anew_and_it_is_said(int at)
    {
        using var program = new Program();
        File.WriteAllLines(program["prompts.txt"], ["a tabby cat", "a red fox"]);
        Assert.Equal(0, program.Run(Batch(program, "prompts.txt")).Code);
        var whole = program.Bytes("out/0001-a-tabby-cat.png");
        byte[] damaged = [.. whole];
        damaged[at < 0 ? ^-at : at] ^= 4;
        File.WriteAllBytes(program["out/0001-a-tabby-cat.png"], damaged);
        var again = program.Run(Batch(program, "prompts.txt", "--json"));
        Assert.Equal((1, 1), (again.Lines[^1].GetProperty("drawn").GetInt32(), again.Lines[^1].GetProperty("alreadyThere").GetInt32()));
        Assert.Contains("0001-a-tabby-cat.png: PNG damaged", again.Error, StringComparison.Ordinal);
        Assert.Contains("drawn anew", again.Error, StringComparison.Ordinal);
        Assert.Equal(Obverse.Imaging.Picture.Decode(whole, "whole").Rgb.ToArray(), Obverse.Imaging.Picture.Load(program["out/0001-a-tabby-cat.png"]).Rgb.ToArray());
        Assert.DoesNotContain("drawn anew", program.Run(Batch(program, "prompts.txt")).Error, StringComparison.Ordinal);
    }
}
