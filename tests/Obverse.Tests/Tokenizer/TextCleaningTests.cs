using System.Text;
using Obverse.Models;
using Xunit;

namespace Obverse.Tests.Tokenizer;

public class TextCleaningTests
{
    public static TheoryData<string> Pages => ["latin1", "windows-1252", "windows-1250", "macintosh"];

    [Theory]
    [InlineData("  Two\t\tspaces \r\n and a line  ", "two spaces and a line")]
    [InlineData("“It’s” ‚low‛", "\"it's\" 'low'")]
    [InlineData("ﬁne oﬃce ŉ ǆ", "fine office 'n dž")]
    [InlineData("ＡＢＣ　１２３ ｶﾞﾗｽ", "abc 123 ガラス")]
    [InlineData("e\u0301 A\u030a q\u0307\u0323 \u1112\u1161\u11ab", "é å q\u0323\u0307 한")]
    [InlineData("red \u001b[31mtext\u001b[0m\u0007 \ufeffbom", "red text bom")]
    [InlineData("&amp;amp;lt; &EACUTE; &notit; &#x41; &#xD800;", "< é ¬it; a \ufffd")]
    [InlineData("<b> &amp; &Eacute;</b>", "<b> & é</b>")]
    [InlineData("ΟΔΟΣ ΣΑΣ Σ", "οδος σας σ")]
    [InlineData("İstanbul STRAẞE", "i\u0307stanbul straße")]
    public void Text_is_repaired_and_lowered(string given, string cleaned) => Assert.Equal(cleaned, TextCleaning.Clean(given, TokenizerFlavour.OpenAi));

    [Theory]
    [InlineData("“It’s”  &amp; ﬁne", "“it’s” &amp; ﬁne")]
    [InlineData("ΟΔΟΣ İ e\u0301", "οδοσ i\u0307 é")]
    public void Transformers_only_composes_and_lowers(string given, string cleaned) => Assert.Equal(cleaned, TextCleaning.Clean(given, TokenizerFlavour.HuggingFace));

    [Fact]
    public void Halves_of_no_pair_do_no_harm() => Assert.Equal("a \ufffd b", TextCleaning.Clean("a \ud83d b", TokenizerFlavour.OpenAi));

    [Theory]
    [MemberData(nameof(Pages))]
    public void Text_read_in_the_wrong_encoding_comes_back(string page)
    {
        var encoding = page == "latin1" ? Encoding.Latin1 : CodePagesEncodingProvider.Instance.GetEncoding(page)!;
        foreach (var text in new[] { "un bébé à la fenêtre", "größe über straßen", "el niño comió piña" })
        {
            Assert.Equal(text, TextCleaning.Clean(encoding.GetString(Encoding.UTF8.GetBytes(text)), TokenizerFlavour.OpenAi));
            if (page == "macintosh") continue;
            var twice = encoding.GetString(Encoding.UTF8.GetBytes(encoding.GetString(Encoding.UTF8.GetBytes(text))));
            Assert.Equal(text, TextCleaning.Clean(twice, TokenizerFlavour.OpenAi));
        }
    }

    [Theory]
    [InlineData("Un café… très “ÉTÉ”")]
    [InlineData("CAFÉ® et THÉ™, 3×4, ½ à 20 °C")]
    [InlineData("Příliš žluťoučký kůň úpěl ďábelské ódy")]
    [InlineData("Zażółć gęślą jaźń")]
    [InlineData("Съешь ещё этих мягких французских булок")]
    [InlineData("Ξεσκεπάζω την ψυχοφθόρα βδελυγμία")]
    [InlineData("Pijamalı hasta yağız şoföre çabucak güvendi")]
    public void Sound_text_stays(string text) =>
        Assert.Equal(TextCleaning.Clean(text.Replace('“', '"').Replace('”', '"'), TokenizerFlavour.HuggingFace), TextCleaning.Clean(text, TokenizerFlavour.OpenAi));
}
