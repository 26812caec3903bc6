using Xunit;

namespace Obverse.Tests.Pictures;

/// <summary>Colours of CSS, against values worked out by hand.</summary>
public class SvgColorTests
{
    [Theory]
    [InlineData("#f00", 255, 0, 0, 1)]
    [InlineData("#00f8", 0, 0, 255, 136 / 255f)]
    [InlineData("#C01010", 192, 16, 16, 1)]
    [InlineData("#11223380", 17, 34, 51, 128 / 255f)]
    [InlineData("rgb(255,0,0)", 255, 0, 0, 1)]
    [InlineData("RGB( 12 , 34 , 56 )", 12, 34, 56, 1)]
    [InlineData("rgb(100%, 20%, 0%)", 255, 51, 0, 1)]
    [InlineData("rgb(300, -5, 1e1)", 255, 0, 10, 1)]
    [InlineData("rgba(1, 2, 3, .25)", 1, 2, 3, 0.25)]
    [InlineData("rgb(1 2 3 / 40%)", 1, 2, 3, 0.4)]
    [InlineData("hsl(0, 100%, 50%)", 255, 0, 0, 1)]
    [InlineData("hsl(120 100% 25%)", 0, 127.5, 0, 1)]
    [InlineData("hsla(-120, 50%, 50%, 0.5)", 63.75, 63.75, 191.25, 0.5)]
    [InlineData("hsl(0.5turn 100% 50% / 1)", 0, 255, 255, 1)]
    [InlineData("navy", 0, 0, 128, 1)]
    [InlineData(" DarkSlateGrey ", 47, 79, 79, 1)]
    [InlineData("darkslategray", 47, 79, 79, 1)]
    [InlineData("darkseagreen", 143, 188, 143, 1)]
    [InlineData("rebeccapurple", 102, 51, 153, 1)]
    [InlineData("lightgoldenrodyellow", 250, 250, 210, 1)]
    [InlineData("transparent", 0, 0, 0, 0)]
    public void A_colour_is_read(string text, double r, double g, double b, double alpha)
    {
        var read = SvgStrokes.ColorOf(text)!;
        double[] wanted = [r / 255, g / 255, b / 255, alpha];
        Assert.All(wanted, (channel, i) => Assert.Equal(channel, read[i], 1e-6));
    }

    [Theory]
    [InlineData("")]
    [InlineData("#12")]
    [InlineData("#12345")]
    [InlineData("#ggg")]
    [InlineData("rgb(1, 2)")]
    [InlineData("rgb(1, 2, 3deg)")]
    [InlineData("rgb(1, 2, 3, 4, 5)")]
    [InlineData("hsl(10%, 1%, 1%)")]
    [InlineData("hsl(1e999, 1%, 1%)")]
    [InlineData("hotpnk")]
    [InlineData("window")] // the desktop's
    [InlineData("5")]
    public void What_is_no_colour_is_none(string text) => Assert.Null(SvgStrokes.ColorOf(text));
}
