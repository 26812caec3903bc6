namespace Obverse.Models;

/// <summary>A white sheet to draw on: rectangles, smooth lines, text, pictures. Colours are 0xRRGGBB; (0, 0) is the top left corner of the top left pixel.</summary>
internal sealed class Sheet
{
    private readonly byte[] rgb;
    private readonly byte[] mask;   // coverage of the stroke being drawn, so that its joints do not darken

    public Sheet(int width, int height)
    {
        if (Picture.Refusal(width, height) is { } why) throw new ArgumentException($"a sheet of {width} x {height}: {why}");
        (Width, Height) = (width, height);
        rgb = new byte[width * height * 3];
        Array.Fill(rgb, (byte)255);
        mask = new byte[width * height];
    }

    public int Width { get; }

    public int Height { get; }

    public Picture ToPicture() => new(Width, Height, rgb);

    public void Rectangle(int left, int top, int width, int height, int colour)
    {
        for (var y = Math.Max(0, top); y < Math.Min(Height, top + height); y++)
        {
            for (var x = Math.Max(0, left); x < Math.Min(Width, left + width); x++) Blend(x, y, colour, 255);
        }
    }

    public void Place(Picture picture, int left, int top)
    {
        for (var y = Math.Max(0, -top); y < picture.Height && top + y < Height; y++)
        {
            for (var x = Math.Max(0, -left); x < picture.Width && left + x < Width; x++)
            {
                var i = y * picture.Width + x;
                var from = picture.Rgb.Slice(i * 3, 3);
                Blend(left + x, top + y, from[0] << 16 | from[1] << 8 | from[2], picture.HasAlpha ? picture.Alpha[i] : 255);
            }
        }
    }

    /// <summary>A line through the points, with round ends and joints; NaN breaks it.</summary>
    public void Line(IReadOnlyList<(double X, double Y)> points, double width, int colour)
    {
        var box = Box.None;
        for (var i = 0; i < points.Count; i++)
        {
            var (x, y) = points[i];
            if (double.IsNaN(x + y)) continue;
            var lone = i == 0 || double.IsNaN(points[i - 1].X + points[i - 1].Y);
            if (!lone) Cover(points[i - 1].X, points[i - 1].Y, x, y, width, ref box);
            else if (i == points.Count - 1 || double.IsNaN(points[i + 1].X + points[i + 1].Y)) Cover(x, y, x, y, width * 2, ref box);
        }

        Ink(box, colour);
    }

    /// <summary>One line of text; capitals are <paramref name="size"/> pixels high and stand on <paramref name="baseline"/>. Align 0 starts at x, 0.5 is centred there, 1 ends there; upward reads from below.</summary>
    public void Text(double x, double baseline, string text, double size, int colour, double align = 0, bool upward = false, bool bold = false)
    {
        var unit = size / 7;
        var along = Math.Round(-align * Measure(text, size));
        var stroke = Math.Max(1, unit * (bold ? 1.2 : 0.9));
        var box = Box.None;
        foreach (var character in Glyphs.Plain(text))
        {
            var glyph = Glyphs.Of(character);
            foreach (var (x0, y0, x1, y1) in glyph.Strokes)
            {
                var (ax, ay) = (along + (x0 + 0.5) * unit, (y0 - 6.5) * unit);
                var (bx, by) = (along + (x1 + 0.5) * unit, (y1 - 6.5) * unit);
                var wide = x0 == x1 && y0 == y1 ? stroke * 1.35 : stroke;
                if (upward) Cover(x + ay, baseline - ax, x + by, baseline - bx, wide, ref box);
                else Cover(x + ax, baseline + ay, x + bx, baseline + by, wide, ref box);
            }

            along = along + glyph.Advance * unit;
        }

        Ink(box, colour);
    }

    /// <summary>Width of a line of text in pixels.</summary>
    public static double Measure(string text, double size) => Glyphs.Plain(text).Sum(c => Glyphs.Of(c).Advance) * size / 7;

    /// <summary>Text in lines no wider than this, at most so many; what does not fit ends in three dots.</summary>
    public static List<string> Wrap(string text, double width, double size, int lines)
    {
        var made = new List<string>();
        foreach (var paragraph in Glyphs.Plain(text).ReplaceLineEndings("\n").Split('\n'))
        {
            var line = "";
            foreach (var word in paragraph.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                var longer = line.Length == 0 ? word : $"{line} {word}";
                if (Measure(longer, size) <= width)
                {
                    line = longer;
                    continue;
                }

                if (line.Length > 0) made.Add(line);
                line = word;
                while (Measure(line, size) > width && line.Length > 1)   // one word, too long for a line
                {
                    var fits = line.Length - 1;
                    while (fits > 1 && Measure(line[..fits], size) > width) fits--;
                    made.Add(line[..fits]);
                    line = line[fits..];
                }
            }

            made.Add(line);
        }

        if (made.Count <= lines) return made;
        made.RemoveRange(lines, made.Count - lines);
        if (lines > 0)
        {
            var last = made[^1];
            while (last.Length > 0 && Measure(last + "...", size) > width) last = last[..^1];
            made[^1] = last.TrimEnd() + "...";
        }

        return made;
    }

    // Coverage falls off over one pixel round the edge of the stroke.
    private void Cover(double x0, double y0, double x1, double y1, double width, ref Box box)
    {
        var reach = width / 2 + 0.5;
        int left = (int)Math.Max(0, Math.Floor(Math.Min(x0, x1) - reach)), right = (int)Math.Min(Width - 1, Math.Ceiling(Math.Max(x0, x1) + reach));
        int top = (int)Math.Max(0, Math.Floor(Math.Min(y0, y1) - reach)), bottom = (int)Math.Min(Height - 1, Math.Ceiling(Math.Max(y0, y1) + reach));
        if (left > right || top > bottom) return;
        box = box.With(left, top, right, bottom);
        double dx = x1 - x0, dy = y1 - y0, square = dx * dx + dy * dy;
        for (var y = top; y <= bottom; y++)
        {
            for (var x = left; x <= right; x++)
            {
                double px = x + 0.5 - x0, py = y + 0.5 - y0;
                var t = square == 0 ? 0 : Math.Clamp((px * dx + py * dy) / square, 0, 1);
                var distance = Math.Sqrt((px - t * dx) * (px - t * dx) + (py - t * dy) * (py - t * dy));
                var coverage = (byte)(Math.Clamp(reach - distance, 0, 1) * 255);
                ref var at = ref mask[y * Width + x];
                if (coverage > at) at = coverage;
            }
        }
    }

    private void Ink(Box box, int colour)
    {
        for (var y = box.Top; y <= box.Bottom; y++)
        {
            for (var x = box.Left; x <= box.Right; x++)
            {
                ref var at = ref mask[y * Width + x];
                if (at > 0) Blend(x, y, colour, at);
                at = 0;
            }
        }
    }

    private void Blend(int x, int y, int colour, int opacity)
    {
        var to = rgb.AsSpan((y * Width + x) * 3, 3);
        for (var c = 0; c < 3; c++)
        {
            int from = to[c], ink = colour >> (16 - c * 8) & 255;
            to[c] = (byte)((ink * opacity + from * (255 - opacity) + 127) / 255);
        }
    }

    private readonly record struct Box(int Left, int Top, int Right, int Bottom)
    {
        public static Box None => new(int.MaxValue, int.MaxValue, -1, -1);

        public Box With(int left, int top, int right, int bottom) => new(Math.Min(Left, left), Math.Min(Top, top), Math.Max(Right, right), Math.Max(Bottom, bottom));
    }
}
