using Obverse.Evaluation;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Evaluation;

public class WordingTests
{
    [Theory]
    [InlineData("goose", "geese")]
    [InlineData("mongoose", "mongooses")]
    [InlineData("school bus", "school buses")]
    [InlineData("butterfly", "butterflies")]
    [InlineData("donkey", "donkeys")]
    [InlineData("goldfish", "goldfish")]
    [InlineData("timber wolf", "timber wolves")]
    [InlineData("church", "churches")]
    [InlineData("cup of coffee", "cups of coffee")]
    [InlineData("sunglasses", "sunglasses")]
    public void Plurals(string name, string wanted) => Assert.Equal(wanted, English.Plural(name));

    [Theory]
    [InlineData("a photo of the small lady beetle.", "small lady beetle")]
    [InlineData("a close-up photo of woman surfing", "woman surfing")]
    [InlineData("a drawing of an accordion", "accordion")]
    [InlineData("a cup of coffee", "cup of coffee")]
    [InlineData("a watercolour of a fox", "watercolour of a fox")]
    [InlineData("an apple!", "apple")]
    [InlineData("the", "the")]
    public void What_is_left_without_the_frame(string text, string wanted) => Assert.Equal(wanted, Wordings.Bare(text));

    [Fact]
    public void Nine_forms_of_a_name() => Assert.Equal(
        ["owl", "an owl", "a photo of an owl", "a picture of an owl", "an image of the owl", "a close-up photo of an owl", "owls", "OWL", "an owl."],
        Wordings.Measured.Select(form => Wordings.Fill(form, "owl")));

    [Fact]
    public void A_neutral_wording_keeps_the_name_and_comes_again_with_the_same_seed()
    {
        string[] Some() => [.. Enumerable.Range(0, 500).Select(i => Wordings.Neutral("owl", new Random(i)))];
        var texts = Some();
        Assert.All(texts, text => Assert.Contains("owl", text, StringComparison.Ordinal));
        Assert.Equal(texts, Some());
        Assert.True(texts.Distinct().Count() > 150, $"{texts.Distinct().Count()} of 500 are different");
        Assert.Contains("a photo of an owl", texts);
        Assert.All(Enumerable.Range(0, 100), i => Assert.Contains("two men at a table", Wordings.Framed("two men at a table", new Random(i)), StringComparison.Ordinal));
    }

    [Fact]
    public void A_style_does_a_photograph_over_and_leaves_the_photograph()
    {
        const int Side = 48;
        var photo = new byte[Side * Side * 3];
        for (var i = 0; i < photo.Length; i++) photo[i] = (byte)(i % 3 == 0 ? (i / 3 % Side > Side / 2 ? 220 : 40) : (i / 3 / Side * 4 + i * 7 % 31));
        var before = photo.ToArray();
        double Mean(byte[] rgb) => rgb.Average(value => value);
        Dictionary<string, byte[]> painted = PaintedStyles.All.ToDictionary(style => style.Name, style => style.Paint(photo, Side));
        Assert.Equal(before, photo);
        Assert.All(painted.Values, rgb => Assert.Equal(photo.Length, rgb.Length));
        Assert.Equal(painted.Count, painted.Values.Select(Convert.ToHexString).Distinct().Count());
        Assert.True(Mean(painted["dark"]) < 0.6 * Mean(photo) && Mean(painted["bright"]) > 1.3 * Mean(photo));
        Assert.True(Mean(painted["pencil"]) > 180, "a pencil sketch is mostly paper");
        foreach (var grey in (string[])["pencil", "charcoal", "grey"]) Assert.True(Enumerable.Range(0, Side * Side).All(i => Math.Abs(painted[grey][3 * i] - painted[grey][3 * i + 2]) <= 1), grey);
        Assert.All(PaintedStyles.All, style => Assert.Contains("fox", style.InWords("fox", new Random(1)), StringComparison.Ordinal));
    }

    [Fact]
    public void A_painted_drawing_has_taken_on_the_style_and_the_same_drawing_has_not()
    {
        using var judge = Obverse.Evaluation.Judge.Load();
        var style = PaintedStyles.All.Single(known => known.Name == "pencil");
        var plain = new Obverse.Imaging.Picture(128, 128, [.. Enumerable.Range(0, 128 * 128 * 3).Select(i => (byte)(128 + 100 * Math.Sin(i / 900.0) * Math.Cos(i / 41.0)))]);
        var painted = new Obverse.Imaging.Picture(128, 128, style.Paint(plain.Rgb.ToArray(), 128));
        var other = new Obverse.Imaging.Picture(128, 128, PictureEffects.Blur(plain.Rgb, 128, 6));
        Assert.Equal(1, StyleGain.Of(judge, style, plain, painted), 3);
        Assert.True(StyleGain.Of(judge, style, plain, other) < 0.9);
    }
}
