using SkiaSharp;

namespace Obverse.Imaging;

/// <summary>Open Sans, for sheets and plots. It is carried along: where no fonts are installed, Skia's own default draws nothing at all.</summary>
internal static class Typeface
{
    private const float CapHeight = 1462f / 2048;   // of an em: sCapHeight of the fonts' OS/2 table

    private static readonly Lazy<SKTypeface> Regular = new(() => Load("OpenSans-Regular.ttf")), SemiBold = new(() => Load("OpenSans-Semibold.ttf"));

    /// <summary>The font whose capitals are so many pixels high.</summary>
    public static SKFont Font(double capitals, bool bold) =>
        new((bold ? SemiBold : Regular).Value, (float)capitals / CapHeight) { Subpixel = true, Hinting = SKFontHinting.None };

    private static SKTypeface Load(string name)
    {
        using var stream = typeof(Typeface).Assembly.GetManifestResourceStream(name)!;
        using var data = SKData.Create(stream);
        return SKTypeface.FromData(data);
    }
}
