using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>`obverse probe` on a tiny model, with a bank and without.</summary>
[Collection("command line")]
public class ProbeTests
{
    [Fact]
    public void Without_a_bank_prompts_are_drawn_as_they_are_and_that_is_said()
    {
        using var program = new Program();
        var drawn = program.Run(Ask(program, "a red fox", "a tabby cat"));
        Assert.True(drawn.Code == 0, drawn.Error);
        Assert.Contains("without --bank", drawn.Error, StringComparison.Ordinal);
        Assert.Equal(["p-1-plain.png", "p-2-plain.png", "p.csv", "p.png"], program.Files);
        var rows = Rows(program);
        Assert.Equal(2 * 2 * 2, rows.Length); // targets and drawings, each to both prompts
        Assert.All(rows, row => Assert.Equal("", row[4]));
        Assert.Equal("1.0000", rows.First(row => row[0] == "target" && row[1] == row[2])[3]);

        // It is the drawing that invert makes.
        Assert.Equal(0, program.Run("invert", "a tabby cat", "--model", program.Model, "--steps", "3", "--views", "2", "--size", "32", "-o", program["cat.png"]).Code);
        Assert.Equal(Picture.Load(program["cat.png"]).Rgb.ToArray(), Picture.Load(program["p-2-plain.png"]).Rgb.ToArray());
        Assert.Equal(0, program.Run("replay", program["p-1-plain.png"], "--check").Code);
    }

    [Fact]
    public void With_a_bank_the_turn_is_the_only_difference_and_neighbours_are_named()
    {
        using var program = new Program();
        BankTests.Bank(program, "bank.safetensors");
        var drawn = program.Run([.. Ask(program, "a dog", "not a dog"), "--bank", program["bank.safetensors"], "--json"]);
        Assert.Equal((0, ""), (drawn.Code, drawn.Error));
        Assert.Superset(new HashSet<string> { "p-1-plain.png", "p-1-procrustes.png", "p-1-whole.png", "p-2-whole.png", "p.csv", "p.png" }, program.Files.ToHashSet());
        var (plain, turned, whole) = (InversionJob.FromPicture(program["p-1-plain.png"]), InversionJob.FromPicture(program["p-1-procrustes.png"]), InversionJob.FromPicture(program["p-1-whole.png"]));
        Assert.Equal(plain.Recipe, turned.Recipe with { Bank = null });
        Assert.Equal((false, true, "implicit"), (turned.Recipe.Bank!.IsRetrieved, whole.Recipe.Bank!.IsRetrieved, whole.Recipe.Name));
        foreach (var name in new[] { "p-1-procrustes.png", "p-2-whole.png" }) Assert.Equal(0, program.Run("replay", program[name], "--check").Code);

        // By hand: the table's cosine of a drawing to the turned prompt, and the nearest picture to the raw one.
        using var encoder = ClipEncoder.Load(program.Model);
        using var bank = InrBank.Open(program["bank.safetensors"]);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var dog = encoder.Embed(["a dog"])[0];
        var seen = encoder.Embed(Picture.Load(program["p-2-procrustes.png"]).ToTensor())[0];
        var row = Rows(program).Single(r => r[0] == "procrustes" && r[1] == "not a dog" && r[2] == "a dog");
        Assert.Equal((seen * dog).Sum().Item(), double.Parse(row[3], System.Globalization.CultureInfo.InvariantCulture), 1e-3);
        Assert.Equal((seen * bank.Index.Align(dog)).Sum().Item(), double.Parse(row[4], System.Globalization.CultureInfo.InvariantCulture), 1e-3);
        var nearest = drawn.Lines.First(line => line.GetProperty("event").GetString() == "nearest");
        Assert.Equal(bank.Index.Captions[(int)(long)bank.Index.NearestImages(dog, 1).Rows.Item()], nearest.GetProperty("before")[0].GetString());
        Assert.Equal(bank.Index.Captions[(int)(long)bank.Index.NearestImages(bank.Index.Align(dog), 1).Rows.Item()], nearest.GetProperty("after")[0].GetString());
        Assert.Equal(5, nearest.GetProperty("after").GetArrayLength());
    }

    public static TheoryData<string[], int, string> Refusals => new()
    {
        { [], 2, "PROMPT" },
        { ["a dog", ""], 2, "the prompt is empty" },
        { ["a dog", "--bank", "none.safetensors"], 1, "none.safetensors" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Invalid_input_is_reported_and_leaves_no_file(string[] args, int code, string says)
    {
        using var program = new Program();
        var answer = program.Run(Ask(program, [.. args.Select(arg => arg.EndsWith(".safetensors", StringComparison.Ordinal) ? program[arg] : arg)]));
        Assert.True((answer.Code, answer.Output) == (code, ""), answer.ToString());
        Assert.Contains(says, answer.Error, StringComparison.Ordinal);
        Assert.Empty(program.Files);
    }

    [Fact]
    public void The_bank_of_another_model_is_refused_and_no_tensors_are_left()
    {
        using var program = new Program();
        BankTests.Bank(program, "bank.safetensors", model: "another");
        BankTests.Bank(program, "own.safetensors");
        Torch.Alone.Sweep();
        var before = Tensor.Live;
        var refused = program.Run([.. Ask(program, "a dog"), "--bank", program["bank.safetensors"]]);
        Assert.Equal(2, refused.Code);
        Assert.Contains("the index was made with another", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, program.Run([.. Ask(program, "a dog"), "--bank", program["own.safetensors"]]).Code);
        Assert.Equal(before, Tensor.Live);
    }

    private static string[] Ask(Program program, params string[] prompts) => ["probe", .. prompts, "--model", program.Model, "--steps", "3", "--views", "2", "--size", "32", "-o", program["p.png"]];

    private static string[][] Rows(Program program) => [.. File.ReadAllLines(program["p.csv"])[1..].Select(line => line.Split(','))];
}
