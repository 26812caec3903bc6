using Obverse.Imaging;
using Obverse.Models;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Training;

public class BlackBarsTests
{
    [Theory]
    [InlineData(10, 12, 0, 0)]
    [InlineData(0, 0, 7, 7)]
    [InlineData(4, 4, 9, 3)]
    public void Bars_at_both_ends_are_cut_away(int left, int right, int top, int bottom)
    {
        var inside = Noise(60, 40);
        var cut = BlackBars.Trim(Within(inside, left, right, top, bottom));
        Assert.Equal((60, 40), (cut.Width, cut.Height));
        Assert.Equal(inside.Rgb.ToArray(), cut.Rgb.ToArray());
    }

    [Theory]
    [InlineData(10, 0, 0, 0)]
    [InlineData(1, 1, 0, 0)]
    [InlineData(0, 0, 0, 20)]
    public void A_dark_edge_is_part_of_the_picture(int left, int right, int top, int bottom)
    {
        var whole = Within(Noise(60, 40), left, right, top, bottom);
        Assert.Same(whole, BlackBars.Trim(whole));
    }

    [Fact]
    public void Black_stays_black()
    {
        var black = new Picture(20, 20, new byte[1200]);
        Assert.Same(black, BlackBars.Trim(black));
    }

    private static Picture Noise(int width, int height)
    {
        var rgb = new byte[width * height * 3];
        new Random(5).NextBytes(rgb);
        for (var i = 0; i < rgb.Length; i++) rgb[i] = (byte)(rgb[i] | 32); // nothing in it is black
        return new(width, height, rgb);
    }

    // Bars as JPEG leaves them: not quite 0.
    private static Picture Within(Picture inside, int left, int right, int top, int bottom)
    {
        var (width, height) = (inside.Width + left + right, inside.Height + top + bottom);
        var rgb = new byte[width * height * 3];
        Array.Fill<byte>(rgb, 9);
        for (var y = 0; y < inside.Height; y++) inside.Rgb.Slice(y * inside.Width * 3, inside.Width * 3).CopyTo(rgb.AsSpan(((y + top) * width + left) * 3));
        return new(width, height, rgb);
    }
}
