using SkiaSharp;

namespace Obverse.Imaging;

/// <summary>A white sheet to draw on with Skia: rectangles, text, pictures. Colours are 0xRRGGBB; (0, 0) is the top left corner of the top left pixel.</summary>
internal sealed class Sheet : IDisposable
{
    private readonly SKBitmap bitmap;

    public Sheet(int width, int height)
    {
        if (Picture.Refusal(width, height) is { } why) throw new ArgumentException($"a sheet of {width} x {height}: {why}");
        bitmap = new SKBitmap(Codec.Layout(width, height, alpha: false));
        Canvas = new SKCanvas(bitmap);
        Canvas.Clear(SKColors.White);
    }

    public SKCanvas Canvas { get; }

    public Picture ToPicture()
    {
        var rgb = new byte[bitmap.Width * bitmap.Height * 3];
        Codec.DropAlpha(bitmap.GetPixelSpan(), rgb);
        return new Picture(bitmap.Width, bitmap.Height, rgb);
    }

    public void Dispose()
    {
        Canvas.Dispose();
        bitmap.Dispose();
    }

    public void Rectangle(int left, int top, int width, int height, int colour)
    {
        using var paint = Paint(colour);
        Canvas.DrawRect(left, top, width, height, paint);
    }

    public void Place(Picture picture, int left, int top)
    {
        using var image = SKImage.FromPixelCopy(Codec.Layout(picture.Width, picture.Height, picture.HasAlpha), picture.Join());
        Canvas.DrawImage(image, left, top, SKSamplingOptions.Default);
    }

    /// <summary>One line of text; capitals are <paramref name="size"/> pixels high and stand on <paramref name="baseline"/>. Align 0 starts at x, 0.5 is centred there, 1 ends there.</summary>
    public void Text(double x, double baseline, string text, double size, int colour, double align = 0, bool bold = false)
    {
        using var font = Typeface.Font(size, bold);
        using var paint = Paint(colour);
        text = Typeface.Drawable(text);
        Canvas.DrawText(text, (float)(x + Math.Round(-align * font.MeasureText(text))), (float)baseline, SKTextAlign.Left, font, paint);
    }

    /// <summary>Width of a line of text in pixels.</summary>
    public static double Measure(string text, double size, bool bold = false)
    {
        using var font = Typeface.Font(size, bold);
        return font.MeasureText(Typeface.Drawable(text));
    }

    /// <summary>Text in at most <paramref name="lines"/> lines no wider than <paramref name="width"/>; what does not fit ends in three dots.</summary>
    public static List<string> Wrap(string text, double width, double size, int lines, bool bold = false)
    {
        using var font = Typeface.Font(size, bold);
        double Measure(string text) => font.MeasureText(text);
        int Fits(string text, double width) => Math.Max(font.BreakText(text, (float)width), char.IsSurrogate(text[0]) ? 2 : 1);
        var wrapped = new List<string>();
        foreach (var paragraph in text.ReplaceLineEndings("\n").Split('\n').Select(Typeface.Drawable))
        {
            var line = "";
            foreach (var word in paragraph.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                var longer = line.Length == 0 ? word : $"{line} {word}";
                if (Measure(longer) <= width)
                {
                    line = longer;
                    continue;
                }

                if (line.Length > 0) wrapped.Add(line);
                line = word;
                for (int fits; (fits = Fits(line, width)) < line.Length; line = line[fits..]) wrapped.Add(line[..fits]);   // one word, too long for a line
            }

            wrapped.Add(line);
        }

        if (wrapped.Count <= lines) return wrapped;
        wrapped.RemoveRange(lines, wrapped.Count - lines);
        if (lines > 0)
        {
            var last = wrapped[^1] + "...";
            wrapped[^1] = Measure(last) <= width ? last : wrapped[^1][..font.BreakText(wrapped[^1], (float)Math.Max(0, width - Measure("...")))].TrimEnd() + "...";
        }

        return wrapped;
    }

    private static SKPaint Paint(int colour) => new() { Color = new SKColor(0xFF000000 | (uint)colour), IsAntialias = true };
}
