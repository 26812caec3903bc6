using System.Text;
using ScottPlot;
using SkiaSharp;

namespace Obverse.Imaging;

/// <summary>Open Sans, embedded, for sheets and plots: where no fonts are installed, Skia's own default draws nothing at all.</summary>
internal static class Typeface
{
    /// <summary>What ScottPlot knows it by; not the family's own name, so that an installed Open Sans is not taken instead.</summary>
    public const string Family = "Obverse Open Sans";

    /// <summary>Of an em: sCapHeight of the fonts' OS/2 table.</summary>
    public const float CapHeight = 1462f / 2048;

    private static readonly Lazy<SKTypeface> Regular = new(() => Load("OpenSans-Regular.ttf")), SemiBold = new(() => Load("OpenSans-Semibold.ttf"));

    private static readonly Lazy<bool> Registered = new(() =>
    {
        Fonts.FontResolvers.Insert(0, new Resolver());
        return true;
    });

    /// <summary>The font whose capitals are <paramref name="capitals"/> pixels high.</summary>
    public static SKFont Font(double capitals, bool bold) =>
        new((bold ? SemiBold : Regular).Value, (float)capitals / CapHeight) { Subpixel = true, Hinting = SKFontHinting.None };

    public static void RegisterWithScottPlot() => _ = Registered.Value;

    /// <summary>Control characters have no glyph, and half a surrogate pair would take the whole text with it.</summary>
    public static string Drawable(string text) => string.Concat(text.EnumerateRunes().Select(rune => Rune.IsControl(rune) ? " " : rune.ToString()));

    private static SKTypeface Load(string name)
    {
        using var stream = typeof(Typeface).Assembly.GetManifestResourceStream(name)!;
        using var data = SKData.Create(stream);
        return SKTypeface.FromData(data);
    }

    private sealed class Resolver : IFontResolver
    {
        public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) => CreateTypeface(fontName, weight >= FontWeight.SemiBold, slant != FontSlant.Upright);

        public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => fontName == Family ? (bold ? SemiBold : Regular).Value : null;
    }
}
