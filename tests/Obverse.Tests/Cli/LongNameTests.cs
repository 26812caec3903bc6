using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>Names near the 255 bytes that file systems take, with everything that stands beside a picture.</summary>
[Collection("command line")]
public class LongNameTests
{
    private static readonly string longest = new('x', 251); // with .png: 255

    [Fact]
    public void A_picture_of_the_longest_name_has_its_checkpoint_seeds_and_sheet_beside_it()
    {
        using var program = new Program();
        string[] ask = ["invert", "a cat", "--model", program.Model, "--recipe", "pyramid", "--steps", "4", "--views", "1", "--size", "32", "--out", program[longest + ".png"]];
        var stopped = program.Stopped(2, ask);
        Assert.Contains("--resume", stopped.Line, StringComparison.Ordinal);
        var checkpoint = program.Files.Single(file => file.EndsWith(".checkpoint.safetensors", StringComparison.Ordinal));
        Assert.Equal(255, checkpoint.Length);
        Assert.Equal(0, program.Run("invert", "--resume", program[checkpoint], "--out", program[longest + ".png"]).Code);
        Assert.Equal(4, InversionJob.FromPicture(program[longest + ".png"]).Recipe.Schedule.StepCount);

        var several = program.Run([.. ask, "--n", "2", "--no-judge", "--every", "2"]);
        Assert.True(several.Code == 0, several.Error);
        foreach (var end in new[] { "-seed0.png", "-seed1.png", "-sheet.png" }) Assert.Single(program.Files, file => file.EndsWith(end, StringComparison.Ordinal));
    }

    [Fact]
    public void A_longer_one_is_refused_before_drawing()
    {
        using var program = new Program();
        foreach (var name in new[] { longest + "x.png", new string('é', 126) + ".png" })
        {
            var answer = program.Run("invert", "a cat", "--model", program.Model, "--steps", "100000", "--out", program[name]);
            Assert.Equal(1, answer.Code);
            Assert.Contains("cannot be written: its name is longer than 255 bytes", answer.Line, StringComparison.Ordinal);
            Assert.Empty(program.Files);
        }
    }

    [Fact]
    public void A_name_that_is_made_is_never_too_long()
    {
        Assert.Equal("fox-seed7.png", FileNames.Beside("fox.png", "-seed7"));
        var (one, other) = (FileNames.Beside(longest + ".png", "-seed7"), FileNames.Beside(longest[1..] + "y.png", "-seed7"));
        Assert.Equal((255, true), (one.Length, one.EndsWith("-seed7.png", StringComparison.Ordinal)));
        Assert.NotEqual(one, other); // a hash says of what it is the start
        var wide = FileNames.Fitting(string.Concat(Enumerable.Repeat("😀", 80)), ".png"); // of two halves in UTF-16
        Assert.False(FileNames.IsTooLong(wide));
        Assert.Equal(wide, System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(wide)));

        using var program = new Program();
        new Picture(8, 8, new byte[192]).Save(program[longest + ".png"]);
        var here = Environment.CurrentDirectory;
        try
        {
            Environment.CurrentDirectory = program[""];
            var edited = program.Run("edit", longest + ".png", "a red fox", "--model", program.Model, "--quality", "draft", "--steps", "1", "--views", "1", "--mixes", "0,1");
            Assert.True(edited.Code == 0, edited.Error);
            Assert.Equal(["-mix0.png", "-mix1.png", "-sheet.png"], new[] { "-mix0.png", "-mix1.png", "-sheet.png" }.Where(end => program.Files.Any(file => file.EndsWith(end, StringComparison.Ordinal))));
        }
        finally
        {
            Environment.CurrentDirectory = here;
        }
    }

    [Fact]
    public void A_folder_for_temporary_files_that_is_missing_is_named()
    {
        using var program = new Program();
        Assert.Equal(0, program.Run("invert", "a cat", "--model", program.Model, "--recipe", "pyramid", "--steps", "1", "--views", "1", "--size", "32", "--out", program["cat.png"]).Code);
        if (OperatingSystem.IsWindows()) return;
        var before = Environment.GetEnvironmentVariable("TMPDIR");
        try
        {
            Environment.SetEnvironmentVariable("TMPDIR", program["none"]);
            var answer = program.Run("replay", program["cat.png"], "--check");
            Assert.Equal(1, answer.Code);
            Assert.Contains("none", answer.Line, StringComparison.Ordinal);
            Assert.Contains("set TMPDIR to a folder that can be written", answer.Line, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("TMPDIR", before);
        }
    }
}
