using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

public class PromptWeightTests
{
    private static readonly BpeTokenizer tokenizer = BpeTrainer.Train(["a tabby cat", "a red fox", "the red cat"], merges: 12);

    public static TheoryData<string> Cases => DiffusionFixtures.Cases("text-encoder");

    // The examples of the web UI's own parser (modules/prompt_parser.py, parse_prompt_attention).
    [Theory]
    [InlineData("normal text", "normal text|1")]
    [InlineData("an (important) word", "an |1|important|1.1| word|1")]
    [InlineData("(unbalanced", "unbalanced|1.1")]
    [InlineData("\\(literal\\]", "(literal]|1")]
    [InlineData("(unnecessary)(parens)", "unnecessaryparens|1.1")]
    [InlineData("a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).", "a |1|house|1.573| |1.1|on|1| a |1.1|hill|0.55|, sun, |1.1|sky|1.4641|.|1.1")]
    [InlineData("a [cat", "a |1|cat|0.90909")]
    [InlineData("16:9 (12:30)", "16:9 |1|12|30")] // there as here: a number before ) is a weight
    [InlineData("back\\\\slash) ]", "back\\slash) ]|1")]
    public void Brackets_are_read_as_the_web_UI_reads_them(string text, string wanted)
    {
        var found = WeightedPrompt.Parse(text);
        var parts = wanted.Split('|');
        Assert.Equal(parts.Length / 2, found.Count);
        for (var i = 0; i < found.Count; i++)
        {
            Assert.Equal(parts[2 * i], found[i].Text);
            Assert.Equal(double.Parse(parts[2 * i + 1], System.Globalization.CultureInfo.InvariantCulture), found[i].Weight, 1e-4);
        }
    }

    [Theory]
    [InlineData("a (cat:1.2.3)", "the weight '1.2.3'")]
    [InlineData("a (cat:1000)", "-100 to 100")]
    [InlineData("a [cat:dog:0.5]", "[cat:dog:0.5]: prompts that change")]
    [InlineData("a [cat|dog]", "[cat|dog]: prompts that change")]
    public void What_no_weight_is_is_named(string text, string says) => Assert.Contains(says, Assert.Throws<FormatException>(() => WeightedPrompt.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_short_prompt_is_the_row_that_the_tokenizer_makes()
    {
        var tokens = PromptTokens.Of(tokenizer, 16, "a red fox");
        Assert.Equal(tokenizer.EncodeRow("a red fox", 16), Assert.Single(tokens.Chunks).Select(token => token.Id));
        Assert.Equal(["a", "red", "fox"], tokens.Words);
        Assert.Equal(tokenizer.EncodeRow("", 16), Assert.Single(PromptTokens.Of(tokenizer, 16, "").Chunks).Select(token => token.Id));
        Assert.Equal(tokenizer.EncodeRow("(red)", 16), Assert.Single(PromptTokens.Of(tokenizer, 16, "(red)", Emphasis.None).Chunks).Select(token => token.Id));
    }

    [Fact]
    public void A_long_one_goes_into_chunks_that_end_at_a_comma_or_where_BREAK_is()
    {
        string Spelled(IReadOnlyList<PromptToken> chunk) => tokenizer.As(TokenizerFlavour.OpenAi).Decode(chunk.Skip(1).TakeWhile(token => token.Id != tokenizer.EndId).Select(token => token.Id)).Trim();
        var length = tokenizer.Encode("a a a a a a").Length; // one token each
        var cut = PromptTokens.Of(tokenizer, length + 2, "a a a a a a a (a:2)");
        Assert.Equal(["a a a a a a", "a a"], cut.Chunks.Select(Spelled));
        Assert.Equal([1.0, 1, 2], cut.Chunks[1].Take(3).Select(token => token.Weight));
        Assert.All(cut.Chunks, chunk => Assert.Equal(length + 2, chunk.Count));
        var twelve = string.Join(' ', Enumerable.Repeat("a", 12)); // of 15 tokens, a comma among the last four ends the chunk
        Assert.Equal([twelve + " ,", "a a a a"], PromptTokens.Of(tokenizer, 17, twelve + ", a a a a").Chunks.Select(Spelled));
        Assert.Equal(["a a", "a"], PromptTokens.Of(tokenizer, length + 2, "a a BREAK a").Chunks.Select(Spelled));
    }

    [SkippableTheory, MemberData(nameof(Cases))]
    public void Weights_act_on_rows(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var model = StableDiffusionModel.Load(one.Part(""));
        Tensor Rows(string text, Emphasis emphasis = Emphasis.Scale) => PromptRows.Of(model, PromptTokens.Of(model.Tokenizer, model.Rows, text, emphasis), emphasis);
        double Apart(Tensor a, Tensor b) => (a - b).Abs().Max().Item();
        var (plain, empty) = (model.TextRows(["a red fox"]), model.TextRows([""]));
        Assert.Equal(0, Apart(plain, Rows("a red fox")));
        var tokens = PromptTokens.Of(model.Tokenizer, model.Rows, "a (red:1.5) fox").Chunks[0];
        var red = tokens.ToList().FindIndex(token => token.Word == "red");
        var scaled = Rows("a (red:1.5) fox");
        Assert.Equal(plain.Mean().Item(), scaled.Mean().Item(), 1e-6);
        Assert.Equal(1.5, (scaled.Select(1, red).Norm() / scaled.Select(1, 0).Norm()).Item() / (plain.Select(1, red).Norm() / plain.Select(1, 0).Norm()).Item(), 1e-4);
        var gone = Rows("a (red:0) fox", Emphasis.Empty);
        Assert.Equal(0, Apart(empty.Select(1, red), gone.Select(1, red)), 1e-6);
        Assert.Equal(0, Apart(plain.Select(1, 0), gone.Select(1, 0)), 1e-6);

        var two = Rows("a red fox BREAK a dog");
        Assert.Equal(2 * model.Rows, two.Size(1));
        Assert.Equal(0, Apart(plain, two.Narrow(1, 0, model.Rows)), 1e-6);
        Assert.Equal(0, Apart(model.TextRows(["a dog"]), two.Narrow(1, model.Rows, model.Rows)), 1e-6);
        var (rows, negative) = PromptRows.AsLong(model, two, plain);
        Assert.Equal(rows.Shape, negative.Shape);
        Assert.Equal(0, Apart(empty, negative.Narrow(1, model.Rows, model.Rows)), 1e-6);
    }
}
