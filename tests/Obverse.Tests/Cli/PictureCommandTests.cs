using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>`obverse reconstruct`, `edit` and `restyle` on a tiny model.</summary>
[Collection("command line")]
public class PictureCommandTests
{
    public static TheoryData<string, string[]> Uses => new()
    {
        { "reconstruct", ["reconstruct", "photo.png"] },
        { "edit", ["edit", "photo.png", "a red fox"] },
        { "restyle", ["restyle", "photo.png", "--style", "a tabby cat"] },
        { "restyle", ["restyle", "photo.png", "--style", "style.png"] },
    };

    [Theory]
    [MemberData(nameof(Uses))]
    public void What_a_picture_became_replays_to_the_same_bytes_and_is_reported(string recipe, string[] use)
    {
        using var program = Begun();
        var drawn = program.Run([.. Placed(program, use), .. Small(program), "-o", program["out.png"]]);
        Assert.True(drawn.Code == 0, drawn.Error);
        Assert.Contains(recipe == "reconstruct" ? "two views of the picture" : "SSIM", drawn.Output, StringComparison.Ordinal);
        var run = InversionJob.FromPicture(program["out.png"]);
        Assert.Equal((recipe, 3, 2), (run.Recipe.Name, run.Recipe.Schedule.StepCount, run.Recipe.Views.Count));
        Assert.Equal((32, 16), (run.Width, run.Height)); // the picture's shape, about the pixels of a draft
        Assert.Equal(recipe == "reconstruct", run.Start is null);
        Assert.Equal(0, program.Run("replay", program["out.png"], "-o", program["again.png"]).Code);
        Assert.Equal(program.Bytes("out.png"), program.Bytes("again.png"));
    }

    [Fact]
    public void Json_lines_tell_of_fit_steps_and_figures()
    {
        using var program = Begun();
        var drawn = program.Run([.. Placed(program, ["edit", "photo.png", "a red fox"]), .. Small(program), "-o", program["out.png"], "--json"]);
        Assert.Equal((0, ""), (drawn.Code, drawn.Error));
        var events = drawn.Lines.Select(line => line.GetProperty("event").GetString()).ToArray();
        Assert.Equal(["start", "fit", "step", "result"], events.Distinct());
        var figures = drawn.Lines[^1].GetProperty("figures");
        Assert.InRange(figures.GetProperty("ssim").GetDouble(), -1, 1);
        Assert.True(figures.GetProperty("psnrOfFit").GetDouble() > 20);
        Assert.Equal(0.6, figures.GetProperty("mix").GetDouble());
    }

    [Fact]
    public void Several_mixes_share_a_fit_and_make_a_sheet_a_table_and_a_plot()
    {
        using var program = Begun();
        string[] ask = [.. Placed(program, ["edit", "photo.png", "a red fox"]), .. Small(program)];
        var drawn = program.Run([.. ask, "--mixes", "0,0.5,1", "-o", program["fox.png"], "--json"]);
        Assert.True(drawn.Code == 0, drawn.Error);
        Assert.Equal(1, drawn.Lines.Count(line => line.GetProperty("event").GetString() == "fit" && line.GetProperty("step").GetInt32() == 1));
        Assert.Superset(new HashSet<string> { "fox-mix0.png", "fox-mix0.5.png", "fox-mix1.png", "fox-sheet.png", "fox.csv" }, program.Files.ToHashSet());
        Assert.Equal(["0", "0.5", "1"], File.ReadAllLines(program["fox.csv"])[1..].Select(line => line.Split(',')[0]));
        Assert.Equal(0, program.Run([.. ask, "--mix", "0.5", "-o", program["alone.png"]]).Code);
        Assert.Equal(program.Bytes("alone.png"), program.Bytes("fox-mix0.5.png"));
        Assert.Equal(0, program.Run("replay", program["fox-mix1.png"], "--check").Code);
    }

    [Fact]
    public void Stopped_while_it_draws_it_goes_on_and_while_it_fits_it_leaves_nothing()
    {
        using var program = Begun();
        string[] ask = [.. Placed(program, ["edit", "photo.png", "a red fox"]), .. Small(program)];
        Assert.Equal(0, program.Run([.. ask, "-o", program["whole.png"]]).Code);
        var stopped = program.StoppedAt("\"step\":2,\"of\":3,", [.. ask, "-o", program["part.png"]]);
        Assert.Equal(1, stopped.Code);
        Assert.Contains("resume with: obverse invert --resume", stopped.Line, StringComparison.Ordinal);
        Assert.EndsWith("(this picture alone; the same command draws all anew, and compares)", stopped.Line, StringComparison.Ordinal);
        Assert.Equal(0, program.Run("invert", "--resume", program["part.checkpoint.safetensors"]).Code);
        Assert.Equal(program.Bytes("whole.png"), program.Bytes("part.png"));

        var early = program.StoppedAt($"\"step\":5,\"of\":{Recipes.Edit(Quality.Draft).Fit!.Steps},", [.. ask, "-o", program["early.png"]]);
        Assert.NotEqual(0, early.Code);
        Assert.DoesNotContain(program.Files, file => file.StartsWith("early", StringComparison.Ordinal));
    }

    [Fact]
    public void Where_the_mask_is_black_an_edit_changes_nothing()
    {
        using var program = Begun();
        var mask = new byte[48 * 24 * 3];
        Array.Fill(mask, (byte)255, 0, mask.Length / 2); // the upper half may change
        new Picture(48, 24, mask).Save(program["mask.png"]);
        string[] ask = [.. Placed(program, ["edit", "photo.png", "a red fox", "--mask", "mask.png"]), .. Small(program), "--size", "48x24", "-o"];
        Assert.Equal(0, program.Run([.. ask, program["out.png"]]).Code);
        var (photo, edited) = (Picture.Load(program["photo.png"]), Picture.Load(program["out.png"]));
        Assert.Equal((48, 24), (edited.Width, edited.Height));
        Assert.Equal(photo.Rgb[(14 * 48 * 3)..].ToArray(), edited.Rgb[(14 * 48 * 3)..].ToArray());
        Assert.NotEqual(photo.Rgb[..(10 * 48 * 3)].ToArray(), edited.Rgb[..(10 * 48 * 3)].ToArray());
    }

    [Fact]
    public void A_bank_turns_the_text_of_an_edit_and_gives_a_reconstruction_its_start()
    {
        using var program = Begun();
        BankTests.Bank(program, "bank.safetensors");
        string[] More(string name) => [.. Small(program), "--bank", program["bank.safetensors"], "-o", program[name]];
        Assert.Equal(0, program.Run([.. Placed(program, ["edit", "photo.png", "a red fox"]), .. More("edit.png")]).Code);
        var edit = InversionJob.FromPicture(program["edit.png"]);
        Assert.Equal(new BankPlan { IsRetrieved = false }, edit.Recipe.Bank);
        Assert.Equal(0, program.Run("replay", program["edit.png"], "--check").Code);

        var drawn = program.Run([.. Placed(program, ["reconstruct", "photo.png"]), .. More("again.png")]);
        Assert.Equal(0, drawn.Code);
        Assert.Contains("began from the bank's \"", drawn.Output, StringComparison.Ordinal);
        var again = InversionJob.FromPicture(program["again.png"]);
        Assert.Equal((true, 0, (CanvasPlan)Inr.Finer(1, 16)), (again.Recipe.Bank!.IsRetrieved, again.Recipe.Bank.Neighbours, again.Recipe.Canvas));
        Assert.Equal(0, program.Run("replay", program["again.png"], "--check").Code);

        BankTests.Bank(program, "other.safetensors", model: "another");
        var refused = program.Run([.. Placed(program, ["edit", "photo.png", "a red fox"]), .. Small(program), "--bank", program["other.safetensors"], "-o", program["no.png"]]);
        Assert.Equal(2, refused.Code);
        Assert.Contains("the index was made with another", refused.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(program["no.png"]));
    }

    public static TheoryData<string[], int, string> Refusals => new()
    {
        { ["edit", "none.png", "a cat"], 1, "none.png" },
        { ["edit", "broken.png", "a cat"], 1, "broken.png" },
        { ["edit", "photo.png", ""], 2, "the prompt is empty" },
        { ["edit", "photo.png", "cat:-1"], 2, "weights of 0 or less" },
        { ["edit", "photo.png"], 2, "TEXT" },
        { ["edit", "photo.png", "a cat", "--mix", "0.5", "--mixes", "0.5,1"], 2, "--mix or --mixes" },
        { ["edit", "photo.png", "a cat", "--mix", "1.5"], 2, "--mix: '1.5'" },
        { ["edit", "photo.png", "a cat", "--mixes", "0.5,,x"], 2, "--mixes: '0.5,,x'" },
        { ["edit", "photo.png", "a cat", "--mixes", ","], 2, "--mixes: ','" },
        { ["edit", "photo.png", "a cat", "--mask", "none.png"], 1, "none.png" },
        { ["restyle", "photo.png"], 2, "--style" },
        { ["restyle", "photo.png", "--style", ""], 2, "the prompt is empty" },
        { ["restyle", "photo.png", "--style", "none.jpg"], 1, "none.jpg" },
        { ["restyle", "photo.png", "--style", "broken.png"], 1, "broken.png" },
        { ["reconstruct", "none.png"], 1, "none.png" },
        { ["reconstruct", "broken.png"], 1, "broken.png" },
        { ["reconstruct", "photo.png", "--bank", "broken.png"], 1, "broken.png" },
        { ["reconstruct"], 2, "IMAGE" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void What_cannot_be_is_one_line_and_no_file(string[] args, int code, string says)
    {
        using var program = Begun();
        File.WriteAllText(program["broken.png"], "no picture");
        var files = program.Files;
        var answer = program.Run([.. Placed(program, args), .. Small(program), "-o", program["out.png"]]);
        Assert.True((answer.Code, answer.Output) == (code, ""), answer.ToString());
        Assert.Contains(says, answer.Line, StringComparison.Ordinal);
        Assert.Equal(files, program.Files);
    }

    [Fact]
    public void Recipes_of_the_applications_send_invert_to_their_picture()
    {
        using var program = Begun();
        var answer = program.Run("invert", "a cat", "--recipe", "edit", "--model", program.Model, "-o", program["out.png"]);
        Assert.Equal((2, true), (answer.Code, answer.Line.Contains("works on a picture", StringComparison.Ordinal)));
    }

    [Fact]
    public void No_tensors_are_left()
    {
        using var program = Begun();
        Torch.Alone.Sweep();
        var before = Tensor.Live;
        Assert.Equal(0, program.Run([.. Placed(program, ["edit", "photo.png", "a red fox"]), .. Small(program), "--mixes", "0.4,0.8", "-o", program["out.png"]]).Code);
        Assert.Equal(0, program.Run([.. Placed(program, ["reconstruct", "photo.png"]), .. Small(program), "-o", program["again.png"]]).Code);
        Assert.Equal(before, Tensor.Live);
    }

    private static Program Begun()
    {
        var program = new Program();
        using var scope = new TensorScope();
        using var random = new Generator(8);
        foreach (var name in new[] { "photo.png", "style.png" }) random.Uniform(0, 1, 1, 3, 3, 6).Resize(24, 48, Interpolation.Bicubic).Clamp(0, 1).ToPicture().Save(program[name]);
        return program;
    }

    private static string[] Placed(Program program, string[] args) => [.. args.Select(arg => arg.EndsWith(".png", StringComparison.Ordinal) || arg.EndsWith(".jpg", StringComparison.Ordinal) ? program[arg] : arg)];

    private static string[] Small(Program program) => ["--model", program.Model, "--steps", "3", "--views", "2", "--quality", "draft"];
}
