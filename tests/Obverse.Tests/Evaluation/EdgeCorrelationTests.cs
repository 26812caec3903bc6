using Obverse.Evaluation;
using Obverse.Imaging;
using Xunit;

namespace Obverse.Tests.Evaluation;

/// <summary>Edge correlation in closed form: a vertical step has the same magnitude in the two columns beside it and none elsewhere, so the maps are indicators of 2 of m columns.</summary>
public class EdgeCorrelationTests
{
    private const int Width = 22, Height = 9, Columns = Width - 2;

    // Grey, darker left of a column.
    private static Picture Step(int at, byte dark = 20, byte light = 220) => new(Width, Height, [.. Enumerable.Range(0, Width * Height).SelectMany(i => Enumerable.Repeat(i % Width < at ? dark : light, 3))]);

    [Theory]
    [InlineData(8, 8, 2)]
    [InlineData(8, 9, 1)]
    [InlineData(8, 14, 0)]
    public void Two_steps_correlate_as_their_columns_overlap(int first, int second, int shared)
    {
        var p = 2.0 / Columns;
        Assert.Equal((shared / (double)Columns - p * p) / (p * (1 - p)), EdgeCorrelation.Of(Step(first), Step(second)), 12);
    }

    [Fact]
    public void A_steps_magnitude_is_four_times_its_height()
    {
        double[] magnitudes = EdgeCorrelation.Magnitudes(Step(8, 0, 255));
        Assert.Equal(Columns * (Height - 2), magnitudes.Length);
        for (var x = 0; x < Columns; x++) Assert.Equal(x is 6 or 7 ? 4 : 0, magnitudes[x], 12); // pixels 7 and 8
    }

    [Fact]
    public void Contrast_and_sign_do_not_matter_and_flat_pictures_have_none()
    {
        Assert.Equal(1, EdgeCorrelation.Of(Step(8), Step(8, 220, 20)), 12);
        Assert.Equal(1, EdgeCorrelation.Of(Step(8), Step(8, 100, 110)), 12);
        Assert.Equal(0, EdgeCorrelation.Of(Step(8), Step(8, 90, 90)));
        Assert.Throws<ArgumentException>(() => EdgeCorrelation.Of(Step(8), new Picture(3, 3, new byte[27])));
        Assert.Throws<ArgumentException>(() => EdgeCorrelation.Of(new Picture(2, 9, new byte[54]), new Picture(2, 9, new byte[54])));
    }
}
