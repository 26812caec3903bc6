using Obverse.Imaging;
using Obverse.Models;

namespace Obverse.Training;

/// <summary>Photographs that somebody made square by black bars, without them: a representation fitted to bars draws bars.</summary>
public static class BlackBars
{
    private const int Black = 16; // of 255, in every channel: JPEG does not leave black at 0
    private const double Least = 0.02; // of the side, at both ends: one dark edge is a dark picture

    /// <summary>The picture between its bars; itself where it has none.</summary>
    public static Picture Trim(Picture picture)
    {
        var (left, right) = Bars(picture.Width, x => Column(picture, x));
        var (top, bottom) = Bars(picture.Height, y => Row(picture, y));
        return (left, right, top, bottom) == (0, 0, 0, 0) ? picture : picture.Crop(left, top, picture.Width - left - right, picture.Height - top - bottom);
    }

    private static (int Before, int Behind) Bars(int side, Func<int, bool> isBlack)
    {
        int before = 0, behind = 0;
        while (before < side && isBlack(before)) before++;
        while (behind < side - before && isBlack(side - 1 - behind)) behind++;
        return before + behind < side && Math.Min(before, behind) >= Least * side ? (before, behind) : (0, 0); // a picture that is all black stays one
    }

    private static bool Row(Picture picture, int y) => picture.Rgb.Slice(y * picture.Width * 3, picture.Width * 3).IndexOfAnyExceptInRange((byte)0, (byte)Black) < 0;

    private static bool Column(Picture picture, int x)
    {
        for (var y = 0; y < picture.Height; y++)
            if (picture.Rgb.Slice((y * picture.Width + x) * 3, 3).IndexOfAnyExceptInRange((byte)0, (byte)Black) >= 0) return false;
        return true;
    }
}
