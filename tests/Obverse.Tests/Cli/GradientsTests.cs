using Obverse.Imaging;
using Xunit;

namespace Obverse.Tests.Commands;

[Collection("command line")]
public class GradientsTests
{
    [Fact]
    public void A_sheet_and_numbers_for_each_model()
    {
        using var program = new Program();
        new Picture(40, 30, [.. Enumerable.Range(0, 40 * 30 * 3).Select(i => (byte)(i * 7))]).Save(program["p.png"]);
        var answer = program.Run("gradients", program["p.png"], "a red fox", "--model", program.Model, "--judge", program.Model, "--steps", "3", "-o", program["sheet.png"]);
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Contains("after 3 steps a gain of", answer.Output, StringComparison.Ordinal);
        Assert.True(Picture.Load(program["sheet.png"]).Width > 5 * 160);
        answer = program.Run("gradients", "--score", "3", "--model", program.Model, "--model", program.Model, "--judge", program.Model, "--steps", "2", "--json");
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Equal(2, answer.Output.Split('\n').Count(line => line.Contains("\"score\"", StringComparison.Ordinal)));
        Assert.Contains("\"ratio\"", answer.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a picture and a text were wanted", "gradients")]
    [InlineData("a picture and a text were wanted", "gradients", "no-such.png")]
    [InlineData("give no picture with it", "gradients", "p.png", "--score", "5")]
    public void What_is_missing_is_said(string wanted, params string[] line)
    {
        using var program = new Program();
        var answer = program.Run([.. line, "--model", program.Model, "--judge", program.Model]);
        Assert.Equal(2, answer.Code);
        Assert.Contains(wanted, answer.Error, StringComparison.Ordinal);
    }
}
