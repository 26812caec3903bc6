using Obverse.Imaging;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>`eval restyling`, and the intervals and names of `compare`.</summary>
[Collection("command line")]
public class RestylingTests
{
    [Fact]
    public void Photographs_are_redrawn_measured_and_not_drawn_again()
    {
        using var program = new Program();
        var rgb = new byte[48 * 48 * 3];
        for (var i = 0; i < rgb.Length; i++) rgb[i] = (byte)(i / 3 % 48 < 24 ? 40 : 210);
        new Picture(48, 48, rgb).Save(program["photo.png"]);
        string[] ask = ["eval", "restyling", program["photo.png"], "--styles", "pencil,grey", "--steps", "2", "--views", "2", "--size", "32", "--quality", "draft", "--model", program.Model, "--judge", program.Model, "--threads", "1", "-o", program["out"]];
        var drawn = program.Run(ask);
        Assert.True(drawn.Code == 0, drawn.Error);
        var table = File.ReadAllLines(program["out/table.md"]);
        foreach (var recipe in (string[])["styler", "restyle"]) Assert.Equal(3, table.Count(line => line.StartsWith($"| {recipe} | ", StringComparison.Ordinal)));
        Assert.Contains(table, line => line.StartsWith("restyle less styler, 2 pairs: edges ", StringComparison.Ordinal));
        Assert.Equal(5, File.ReadAllLines(program["out/table.csv"]).Length);
        Assert.True(File.Exists(program["out/sheet.png"]));

        var again = program.Run(ask);
        Assert.Equal(0, again.Code);
        Assert.DoesNotContain(" s\n", again.Error);
        Assert.Equal(table.Where(line => line.StartsWith("restyle less", StringComparison.Ordinal)), File.ReadAllLines(program["out/table.md"]).Where(line => line.StartsWith("restyle less", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("--recipes", "das", "does not work on a picture")]
    [InlineData("--styles", "cubist", "--styles: 'cubist'")]
    public void Wrong_lists_are_named(string option, string value, string says)
    {
        using var program = new Program();
        new Picture(8, 8, new byte[192]).Save(program["photo.png"]);
        var answer = program.Run("eval", "restyling", program["photo.png"], option, value, "-o", program["out"]);
        Assert.Equal(2, answer.Code);
        Assert.Contains(says, answer.Line);
        Assert.Equal(["photo.png"], program.Files);
    }

    [Fact]
    public void A_comparison_of_random_names_has_intervals()
    {
        using var program = new Program();
        File.WriteAllText(program["mine.json"], Recipes.Das(Quality.Draft, 32, 32).ToJson());
        string[] rest = ["--models", program.Model, "--judge", program.Model, "--size", "32", "--steps", "1", "--views", "1", "--threads", "1", "-o", program["out"]];
        var answer = program.Run(["compare", "--random", "2", "--recipes", $"das,{program["mine.json"]}", .. rest]);
        Assert.True(answer.Code == 0, answer.Error);
        var rows = File.ReadAllLines(program["out/table.md"]).Where(line => line.StartsWith("| das |", StringComparison.Ordinal) || line.StartsWith("| mine |", StringComparison.Ordinal)).ToArray();
        Assert.Equal(2, rows.Length);
        Assert.All(rows, row => Assert.Contains("0 % [0, 66]", row)); // Wilson: 0 of 2
        Assert.Equal(2, program.Run(["compare", .. rest]).Code);
        Assert.Equal(2, program.Run(["compare", "a cat", "--random", "2", .. rest]).Code);
        Directory.CreateDirectory(program["other"]);
        File.Copy(program["mine.json"], program["other/mine.json"]);
        var twice = program.Run(["compare", "a cat", "--recipes", $"{program["mine.json"]},{program["other/mine.json"]}", .. rest]);
        Assert.Equal(2, twice.Code);
        Assert.Contains("two of one name", twice.Line);
    }
}
