using Obverse.Jobs;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;
using CommandLineProgram = Obverse.Tests.Commands.Program;

namespace Obverse.Tests.Engine;

/// <summary>What people type: colons that are weights and colons that are not, weights that cannot be, parts that cancel.</summary>
[Collection("command line")]
public class PromptTests
{
    [Theory]
    [InlineData("a photo taken at 12:30")]
    [InlineData("a photo taken at 12:30:45")]
    [InlineData("http://localhost:8080")]
    [InlineData("see https://example.org:443")]
    [InlineData("16:9")]
    [InlineData("16 : 9")]
    [InlineData("a map 1:25,000")]
    [InlineData("Genesis 1:1")]
    [InlineData("John 3:16-18")]
    [InlineData("a scene from Alien: Covenant")]
    [InlineData("a portrait of: Nan")]
    [InlineData("a fox: red")]
    [InlineData("a fox:")]
    [InlineData("the letters a:b")]
    [InlineData("٣:٥")] // digits of another script
    public void Ordinary_text_is_text(string text)
    {
        var prompt = Prompt.Parse(text);
        Assert.Equal(new PromptPart(text), Assert.Single(prompt.Parts));
        Assert.Null(prompt.Reading);
    }

    [Theory]
    [InlineData("a fox:0.5", "a fox", 0.5)]
    [InlineData("a fox: 0.5", "a fox", 0.5)]
    [InlineData("a fox:+2", "a fox", 2)]
    [InlineData("a fox:.5", "a fox", 0.5)]
    [InlineData("a fox:1e-30", "a fox", 1e-30)]
    [InlineData("a car of 1950 :0.5", "a car of 1950", 0.5)]
    [InlineData("at 12:30 in the rain:0.5", "at 12:30 in the rain", 0.5)]
    [InlineData("Alien: Covenant:2", "Alien: Covenant", 2)]
    public void A_number_behind_the_last_colon_is_a_weight(string text, string part, double weight)
    {
        var prompt = Prompt.Parse(text);
        Assert.Equal(new PromptPart(part, weight), Assert.Single(prompt.Parts));
        Assert.Equal(prompt, Prompt.Parse(prompt.ToString()));
        Assert.NotNull(prompt.Reading);
    }

    [Theory]
    [InlineData("a fox\\:0.5", "a fox:0.5")]
    [InlineData("a fox\\:nan", "a fox:nan")]
    [InlineData("the year\\:1984", "the year:1984")]
    public void A_colon_can_be_said_to_be_text(string text, string part) => Assert.Equal(new PromptPart(part), Assert.Single(Prompt.Parse(text).Parts));

    [Theory]
    [InlineData("a cat:0,5", "'0,5' is no weight")]
    [InlineData("a cat:1.000,5", "'1.000,5' is no weight")]
    [InlineData("a cat:nan", "'nan' is no weight")]
    [InlineData("a cat:inf", "'inf' is no weight")]
    [InlineData("a cat:-Infinity", "is out of range")]
    [InlineData("a cat:∞", "'∞' is no weight")]
    [InlineData("a cat:1e400", "is out of range, -1000 to 1000 is wanted")]
    [InlineData("a cat:1e308 | a dog:1e308", "is out of range")]
    [InlineData("the year:1984", "is out of range")]
    [InlineData("a cat:50%", "'50%' is no weight")]
    [InlineData("a cat | blurry:−0.3", "'−0.3' is no weight")] // a minus sign of typography
    [InlineData("a cat | :0.5", "a weight with nothing before it")]
    public void A_weight_that_is_none_is_refused_and_says_what_is_wanted(string text, string why)
    {
        var message = Assert.Throws<FormatException>(() => Prompt.Parse(text)).Message;
        Assert.Contains(why, message);
        Assert.EndsWith("where the colon is text, write \\:", message);
    }

    [Theory]
    [InlineData("a fox | watercolour:0.4 | blurry:-0.3 | snow:0", "weights: toward \"a fox\" (1), \"watercolour\" (0.4); away from \"blurry\" (0.3); without effect \"snow\" (0)")]
    [InlineData("a fox:30", "weights: \"a fox\" alone, so its weight 30 is of no effect")]
    [InlineData("a car of 1950:0.5", "weights: \"a car of 1950:0.5\" is text to its end (a weight after a digit wants a space before its colon)")]
    [InlineData("a fox | snow", null)]
    public void A_reading_says_what_was_understood(string text, string? reading) => Assert.Equal(reading, Prompt.Parse(text).Reading);

    [Theory]
    [InlineData("shot 12:30", "shot 12:30", "shot 12:30", 1)]      // a file that is there
    [InlineData("shot 12:30:0.5", "shot 12:30", "shot 12:30", 0.5)]
    [InlineData("IMG_7:0.5", "IMG_7", "IMG_7", 0.5)]
    [InlineData("a.png:0.5", null, "a.png", 0.5)]                 // one that is not: a message later
    [InlineData("shot 12:30", null, "shot 12:30", 1)]
    [InlineData("a:2", "a:2", "a:2", 1)]
    public void A_picture_that_is_there_is_what_was_meant(string given, string? file, string path, double weight)
    {
        using var folder = new TemporaryFolder();
        if (file is not null) File.WriteAllText(Path.Combine(folder.Path, file), "");
        Assert.Equal(new PromptPart(null, weight, Path.Combine(folder.Path, path)), Assert.Single(Prompt.Parse("", Path.Combine(folder.Path, given)).Parts));
    }

    [Theory]
    [InlineData("das")]
    [InlineData("clip-inv")]
    [InlineData("implicit-plain")]
    public void Parts_that_cancel_are_refused_before_the_first_step(string recipe)
    {
        using var program = new CommandLineProgram();
        var asked = program.Run("invert", "a cat | A cat:-1", "--recipe", recipe, "--model", program.Model, "--steps", "2", "--views", "1", "--size", "32", "--json", "--out", program["a.png"]);
        Assert.Equal((1, ""), (asked.Code, asked.Output));
        Assert.Contains("the parts of \"a cat | A cat:-1\" cancel", asked.Error);
        Assert.Empty(program.Files);
    }

    [Fact]
    public void A_line_of_a_batch_whose_parts_cancel_is_named_and_the_others_are_drawn()
    {
        using var program = new CommandLineProgram();
        File.WriteAllText(program["prompts.txt"], "a cat\na cat | a cat:-1\na fox at 12:30\n");
        var drawn = program.Run("batch", program["prompts.txt"], "--recipe", "das", "--model", program.Model, "--steps", "1", "--views", "1", "--size", "32", "--workers", "1", "--json", "-o", program["out"]);
        Assert.Equal(1, drawn.Code);
        Assert.Contains("weights: toward \"a cat\" (1); away from \"a cat\" (1)", drawn.Error);
        Assert.Contains("line 2, \"a cat | a cat:-1\": the parts of", drawn.Error);
        Assert.Equal(2, drawn.Lines[^1].GetProperty("drawn").GetInt32());
    }

    [Theory]
    [InlineData("a cat:1e-30")]
    [InlineData("a cat:1000")]
    [InlineData("a cat:1e-320")]
    public void The_weight_of_a_single_part_changes_no_pixel(string prompt)
    {
        using var program = new CommandLineProgram();
        string[] ask = ["--recipe", "implicit-plain", "--model", program.Model, "--steps", "3", "--views", "2", "--size", "32"];
        Assert.Equal(0, program.Run(["invert", "a cat", .. ask, "--out", program["plain.png"]]).Code);
        var weighed = program.Run(["invert", prompt, .. ask, "--out", program["weighed.png"]]);
        Assert.Equal(0, weighed.Code);
        Assert.Contains("\"a cat\" alone", weighed.Error);
        Assert.Equal(Imaging.Picture.Load(program["plain.png"]).Rgb.ToArray(), Imaging.Picture.Load(program["weighed.png"]).Rgb.ToArray());
    }

    [Fact]
    public void Weights_of_a_stored_job_that_leave_float32_keep_their_ratios()
    {
        Assert.Equal([1f, 0.5f], PromptTargets.Values([1e308, 5e307]));
        Assert.Equal([1f, -0.5f], PromptTargets.Values([1e-30, -5e-31]));
        Assert.Equal([8080f, 1f], PromptTargets.Values([8080, 1])); // what was drawn before is drawn again
        foreach (var wrong in new[] { double.NaN, double.PositiveInfinity, 0 }) Assert.Throws<InvalidDataException>(() => PromptTargets.Values([wrong]));
        Assert.Throws<InvalidDataException>(() => PromptTargets.Values([1, double.NaN]));
    }
}
