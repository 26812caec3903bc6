using Obverse.Evaluation;
using Obverse.Models;
using Xunit;

namespace Obverse.Tests.Tokenizer;

/// <summary>A tokenizer of a small vocabulary takes a plural that it would cut up for its singular.</summary>
public class SingularsTests
{
    private static readonly BpeTokenizer plain = BpeTrainer.Train(["castle", "castle", "castle", "wolf", "wolf", "butterfly", "butterfly", "glass", "glass", "cactus", "cactus", "dogs", "dogs", "mouse", "mouse", "box", "box", "vase", "vase", "pie", "pie", "zebra", "zebra", "ants", "ants", "ant", "ant", "sports", "sport"], merges: 90);
    private static readonly BpeTokenizer singular = plain.As(plain.Flavour with { TakesSingulars = true });

    [Theory]
    [InlineData("two castles", "two castle"), InlineData("wolves", "wolf"), InlineData("Butterflies!", "butterfly!"), InlineData("three mice", "three mouse"), InlineData("boxes", "box"), InlineData("vases", "vase"), InlineData("pies", "pie"), InlineData("zebras", "zebra"), InlineData("ants", "ant")]
    public void A_plural_that_is_cut_up_or_seldom_is_its_singular(string many, string one)
    {
        Assert.Equal(plain.Encode(one), singular.Encode(many));
        Assert.NotEqual(plain.Encode(one), plain.Encode(many));
        Assert.Equal(plain.Words(many), singular.Words(many));
    }

    /// <summary>Of two spellings with as many pieces the likelier one, where nothing but the rules tells.</summary>
    [Theory]
    [InlineData("stoves", "stove"), InlineData("knives", "knif"), InlineData("puppies", "puppy"), InlineData("magpies", "magpie"), InlineData("lighthouses", "lighthouse"), InlineData("churches", "church"), InlineData("potatoes", "potato"), InlineData("toes", "toe"), InlineData("flies", "fly"),
     InlineData("cities", "city"), InlineData("olives", "olive"), InlineData("glasses", null), InlineData("news", null), InlineData("chess", null), InlineData("gas", null)]
    public void The_likelier_singular_comes_first(string many, string? one) => Assert.Equal(one, Singulars.Of(many).FirstOrDefault());

    [Theory, InlineData("dogs"), InlineData("sports"), InlineData("glass"), InlineData("cactus"), InlineData("octopus"), InlineData("it's"), InlineData("is"), InlineData("s"), InlineData("")]
    public void What_the_vocabulary_knows_and_what_is_no_plural_stay(string text) => Assert.Equal(plain.Encode(text), singular.Encode(text));

    [Theory]
    [InlineData("mailbox", "mailboxes"), InlineData("caiman", "caimans"), InlineData("ox", "oxen"), InlineData("policeman", "policemen"), InlineData("human", "humans"), InlineData("parallel bars", "parallel bars"), InlineData("ram (adult male sheep)", "rams (adult male sheep)")]
    public void Plurals_of_names_that_end_like_irregular_ones_or_are_plurals(string one, string many) => Assert.Equal(many, English.Plural(one));
}
