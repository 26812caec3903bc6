using Obverse.Jobs;
using Xunit;

namespace Obverse.Tests.Commands;

[Collection("command line")]
public class TruncatedTextTests
{
    private const string Long = "a tabby cat and a red fox and a photo of a dog and a lighthouse"; // the toy reads 16 tokens

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_truncated_prompt_is_reported_with_the_word(bool json)
    {
        using var program = new Program();
        var answer = program.Run(["invert", Long, "--model", program.Model, "--steps", "1", "--views", "2", "--size", "32", "--out", program["x.png"], .. json ? (string[])["--json"] : []]);
        Assert.Equal(0, answer.Code);
        Assert.Matches("is longer than the 16 tokens of .*: truncated at word [0-9]+, \"[a-z]+\"", answer.Error);
        Assert.Contains(Long[..40], answer.Error);
        if (json) Assert.NotEmpty(answer.Lines); // every line of stdout is still JSON
    }

    [Fact]
    public void Texts_of_a_file_that_are_truncated_are_reported_a_few_of_many()
    {
        using var program = new Program();
        File.WriteAllLines(program["t.txt"], ["a red fox", .. Enumerable.Repeat(Long, 5), "a cat"]);
        var answer = program.Run("embed", "--text-file", program["t.txt"], "-o", program["e.safetensors"], "--model", program.Model);
        Assert.Equal(0, answer.Code);
        Assert.Equal(3, answer.Error.Split("truncated at word").Length - 1);
        Assert.Contains("2 more texts are truncated", answer.Error);
    }

    [Fact]
    public void Nothing_is_said_of_texts_that_fit()
    {
        using var program = new Program();
        File.WriteAllLines(program["t.txt"], ["a red fox", "a tabby cat"]);
        Assert.DoesNotContain("longer", program.Run("embed", "--text-file", program["t.txt"], "-o", program["e.safetensors"], "--model", program.Model).Error);
    }
}
