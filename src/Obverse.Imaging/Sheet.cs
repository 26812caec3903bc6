using System.Text;
using SkiaSharp;

namespace Obverse.Imaging;

/// <summary>A white sheet to draw on: rectangles, smooth lines, text, pictures. Colours are 0xRRGGBB; (0, 0) is the top left corner of the top left pixel.</summary>
internal sealed class Sheet : IDisposable
{
    private readonly SKBitmap bitmap;
    private readonly SKCanvas canvas;

    public Sheet(int width, int height)
    {
        if (Picture.Refusal(width, height) is { } why) throw new ArgumentException($"a sheet of {width} x {height}: {why}");
        bitmap = new SKBitmap(Codec.Layout(width, height, alpha: false));
        canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
    }

    public Picture ToPicture()
    {
        var rgb = new byte[bitmap.Width * bitmap.Height * 3];
        Codec.DropAlpha(bitmap.GetPixelSpan(), rgb);
        return new Picture(bitmap.Width, bitmap.Height, rgb);
    }

    public void Dispose()
    {
        canvas.Dispose();
        bitmap.Dispose();
    }

    public void Rectangle(int left, int top, int width, int height, int colour)
    {
        using var paint = Paint(colour);
        canvas.DrawRect(left, top, width, height, paint);
    }

    public void Place(Picture picture, int left, int top)
    {
        using var image = SKImage.FromPixelCopy(Codec.Layout(picture.Width, picture.Height, picture.HasAlpha), picture.Join());
        canvas.DrawImage(image, left, top, SKSamplingOptions.Default);
    }

    /// <summary>A line through the points, with round ends and joints; NaN breaks it.</summary>
    public void Line(IReadOnlyList<(double X, double Y)> points, double width, int colour)
    {
        using var paint = Paint(colour);
        using var path = new SKPathBuilder();
        bool Gap(int i) => i < 0 || i >= points.Count || double.IsNaN(points[i].X + points[i].Y);
        for (var i = 0; i < points.Count; i++)
        {
            if (Gap(i)) continue;
            var point = new SKPoint((float)points[i].X, (float)points[i].Y);
            if (!Gap(i - 1)) path.LineTo(point);
            else if (!Gap(i + 1)) path.MoveTo(point);
            else canvas.DrawCircle(point, (float)width, paint);   // between two gaps: a dot, or it would be overlooked
        }

        using var line = path.Detach();
        (paint.Style, paint.StrokeWidth, paint.StrokeCap, paint.StrokeJoin) = (SKPaintStyle.Stroke, (float)width, SKStrokeCap.Round, SKStrokeJoin.Round);
        canvas.DrawPath(line, paint);
    }

    /// <summary>One line of text; capitals are <paramref name="size"/> pixels high and stand on <paramref name="baseline"/>. Align 0 starts at x, 0.5 is centred there, 1 ends there; upward reads from below.</summary>
    public void Text(double x, double baseline, string text, double size, int colour, double align = 0, bool upward = false, bool bold = false)
    {
        using var font = Typeface.Font(size, bold);
        using var paint = Paint(colour);
        text = Plain(text);
        canvas.Save();
        canvas.Translate((float)x, (float)baseline);
        if (upward) canvas.RotateDegrees(-90);
        canvas.DrawText(text, (float)Math.Round(-align * font.MeasureText(text)), 0, SKTextAlign.Left, font, paint);
        canvas.Restore();
    }

    /// <summary>Width of a line of text in pixels.</summary>
    public static double Measure(string text, double size, bool bold = false)
    {
        using var font = Typeface.Font(size, bold);
        return font.MeasureText(Plain(text));
    }

    /// <summary>Text in lines no wider than this, at most so many; what does not fit ends in three dots.</summary>
    public static List<string> Wrap(string text, double width, double size, int lines, bool bold = false)
    {
        using var font = Typeface.Font(size, bold);
        double Measure(string text) => font.MeasureText(text);
        int Fits(string text, double width) => Math.Max(font.BreakText(text, (float)width), char.IsSurrogate(text[0]) ? 2 : 1);
        var made = new List<string>();
        foreach (var paragraph in text.ReplaceLineEndings("\n").Split('\n').Select(Plain))
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

                if (line.Length > 0) made.Add(line);
                line = word;
                for (int fits; (fits = Fits(line, width)) < line.Length; line = line[fits..]) made.Add(line[..fits]);   // one word, too long for a line
            }

            made.Add(line);
        }

        if (made.Count <= lines) return made;
        made.RemoveRange(lines, made.Count - lines);
        if (lines > 0)
        {
            var last = made[^1] + "...";
            made[^1] = Measure(last) <= width ? last : made[^1][..font.BreakText(made[^1], (float)Math.Max(0, width - Measure("...")))].TrimEnd() + "...";
        }

        return made;
    }

    // Control characters have no glyph, and half a surrogate pair would take the whole text with it.
    private static string Plain(string text) => string.Concat(text.EnumerateRunes().Select(rune => Rune.IsControl(rune) ? " " : rune.ToString()));

    private static SKPaint Paint(int colour) => new() { Color = new SKColor(0xFF000000 | (uint)colour), IsAntialias = true };
}
