using Obverse.Evaluation;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>What contradicts itself, is empty, or is something else than it is given for: one line, and nothing drawn.</summary>
[Collection("command line")]
public class ContradictionTests
{
    [Theory]
    [InlineData("gallery OUT --names goldfish,goldfish --recipes pyramid", "'goldfish' and 'goldfish': would be one picture, goldfish.png")]
    [InlineData("gallery OUT --names fox --random 2", "give --names or --random, not both")]
    [InlineData("invert cat --judge --no-judge", "give --judge or --no-judge, not both")]
    [InlineData("judge PHOTO --name EMPTY", "--name: the name is empty")]
    [InlineData("tune PHOTO --class EMPTY", "--class: the class is empty")]
    [InlineData("vary PHOTO --edit EMPTY", "--edit: the text is empty")]
    [InlineData("restyle PHOTO --style FOLDER", "is a folder; a picture or a text was wanted")]
    [InlineData("invert cat --start FOLDER", "is a folder; wanted a picture")]
    [InlineData("batch PROMPTS -o PHOTO", "is a file; a folder was wanted")]
    public void It_is_told(string command, string says)
    {
        using var program = new Program();
        new Obverse.Imaging.Picture(32, 32, new byte[32 * 32 * 3]).Save(program["photo.png"]);
        Directory.CreateDirectory(program["folder"]);
        File.WriteAllText(program["prompts.txt"], "a cat");
        string[] words = [.. command.Split(' ').Select(word => word switch { "PHOTO" => program["photo.png"], "FOLDER" => program["folder"], "EMPTY" => "", "OUT" => program["out"], "PROMPTS" => program["prompts.txt"], _ => word })];
        var answer = program.Run(words[0] is "tune" or "vary" ? words : [.. words, "--model", program.Model]);
        Assert.True(answer.Code is 1 or 2, answer.ToString());
        Assert.Contains(says, answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("bug", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_goes_on_under_another_name_and_a_canvas_is_none()
    {
        using var program = new Program();
        string[] ask = ["invert", "a cat", "--recipe", "pyramid", "--model", program.Model, "--size", "32", "--steps", "6", "--views", "1", "--no-judge"];
        Assert.Equal(1, program.Stopped(3, [.. ask, "-o", program["cat.png"]]).Code);
        File.Move(program["cat.checkpoint.safetensors"], program["renamed.safetensors"]);
        var again = program.Run("invert", "--resume", program["renamed.safetensors"], "--no-judge");
        Assert.True(again.Code == 0, again.Error);
        Assert.Equal(0, program.Run([.. ask, "-o", program["whole.png"], "--save", program["canvas.safetensors"]]).Code);
        Assert.Equal(program.Bytes("whole.png"), program.Bytes("renamed.png"));
        Assert.Contains("a finished canvas and no checkpoint; `obverse render` draws it", program.Run("invert", "--resume", program["canvas.safetensors"]).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_interval_ends_where_its_measure_does()
    {
        using var random = new Generator(1);
        using var rows = random.Normal(24, 3);
        var same = new MetricData { Pictures = FeatureRows.Of(rows), Reference = FeatureRows.Of(rows) };
        Assert.Equal(0, Resampling.Measure(new Fid(), same, 24, 24)[0].Interval!.Value.Low); // by its spread it would go on below
    }

    [Fact]
    public void Standard_input_that_never_comes_is_not_waited_for_after_a_stop()
    {
        var before = Console.In;
        using var never = new Never();
        Console.SetIn(never);
        try
        {
            using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(0.2));
            Assert.ThrowsAny<OperationCanceledException>(() => Obverse.Files.TextLines.Read("-", stop.Token));
        }
        finally
        {
            never.End.Set();
            Console.SetIn(before);
        }
    }

    private sealed class Never : StringReader
    {
        public Never() : base("")
        {
        }

        public ManualResetEventSlim End { get; } = new();

        public override string ReadToEnd()
        {
            End.Wait();
            return "";
        }
    }

    [Fact]
    public void Splits_of_one_picture_are_doubted()
    {
        using var rows = Tensor.Zeros([7, 4]);
        Assert.Contains("7 pictures in 7 splits", Assert.Single(SetEvaluation.Warnings(new InceptionScore { Splits = 50 }, FeatureRows.Of(rows), null)), StringComparison.Ordinal);
        Assert.Empty(SetEvaluation.Warnings(new InceptionScore { Splits = 2 }, FeatureRows.Of(rows), null));
    }
}
