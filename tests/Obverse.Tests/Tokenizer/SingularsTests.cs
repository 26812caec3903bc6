using Obverse.Evaluation;
using Obverse.Models;
using Xunit;

namespace Obverse.Tests.Tokenizer;

/// <summary>A tokenizer of a small vocabulary takes a plural that it would cut up for its singular.</summary>
public class SingularsTests
{
    private static readonly BpeTokenizer plain = BpeTrainer.Train(["castle", "castle", "castle", "wolf", "wolf", "butterfly", "butterfly", "glass", "glass", "cactus", "cactus", "dogs", "dogs", "mouse", "mouse", "box", "box"], merges: 60);
    private static readonly BpeTokenizer singular = plain.As(plain.Flavour with { TakesSingulars = true });

    [Theory]
    [InlineData("two castles", "two castle"), InlineData("wolves", "wolf"), InlineData("Butterflies!", "butterfly!"), InlineData("three mice", "three mouse"), InlineData("boxes", "box")]
    public void A_plural_that_is_cut_up_is_its_singular(string many, string one)
    {
        Assert.Equal(plain.Encode(one), singular.Encode(many));
        Assert.NotEqual(plain.Encode(one), plain.Encode(many));
        Assert.Equal(plain.Words(many), singular.Words(many));
    }

    [Theory, InlineData("dogs"), InlineData("glass"), InlineData("cactus"), InlineData("octopus"), InlineData("it's"), InlineData("is"), InlineData("s"), InlineData("")]
    public void What_the_vocabulary_knows_and_what_is_no_plural_stay(string text) => Assert.Equal(plain.Encode(text), singular.Encode(text));

    [Theory]
    [InlineData("mailbox", "mailboxes"), InlineData("caiman", "caimans"), InlineData("ox", "oxen"), InlineData("policeman", "policemen"), InlineData("human", "humans")]
    public void Plurals_of_words_that_only_end_like_irregular_ones_are_regular(string one, string many) => Assert.Equal(many, English.Plural(one));
}
