using System.Globalization;

namespace Obverse.Jobs;

/// <summary>Width and height in pixels: "128" or "192x128".</summary>
public readonly record struct PictureSize([property: Limit(PictureSize.Least, PictureSize.Most)] int Width, [property: Limit(PictureSize.Least, PictureSize.Most)] int Height)
{
    /// <summary>Sides that can be drawn.</summary>
    public const int Least = 8, Most = 8192;

    /// <exception cref="FormatException">Not a size, or a side that cannot be drawn.</exception>
    public static PictureSize Parse(string text)
    {
        var parts = text.Split('x', 'X', '×');
        if (parts.Length is 1 or 2 && parts.All(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var side) && side is >= Least and <= Most))
        {
            return new(int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[^1], CultureInfo.InvariantCulture));
        }

        throw new FormatException($"a size such as 128 or 192x128 was wanted, sides of {Least} to {Most} pixels");
    }

    /// <summary>Whether a picture of this size changes its shape by more than a tenth in the other's: sides are drawn in whole blocks of 8.</summary>
    public bool IsSquashedBy(PictureSize other) => Math.Abs(Math.Log(Width * (double)other.Height / (Height * (double)other.Width))) > Math.Log(1.1);

    public override string ToString() => $"{Width}x{Height}";
}
