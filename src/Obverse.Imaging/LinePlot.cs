using System.Globalization;

namespace Obverse.Imaging;

/// <summary>One curve of a <see cref="LinePlot"/>. NaN and infinite values, and values not above 0 on a logarithmic axis, leave a gap.</summary>
/// <param name="Name">In the legend.</param>
/// <param name="Y">The values.</param>
/// <param name="X">As many, or null for 0, 1, 2, ...</param>
public sealed record Series(string Name, IReadOnlyList<double> Y, IReadOnlyList<double>? X = null)
{
    /// <summary>0xRRGGBB, or null for the next colour of the plot.</summary>
    public int? Colour { get; init; }
}

/// <summary>A plain line chart for training curves: <c>new LinePlot { Title = "loss", LogY = true, Series = [new("train", loss)] }.Draw().Save("loss.png")</c>.</summary>
public sealed record LinePlot
{
    // Okabe and Ito (2008), tell-apart for every kind of colour vision; yellow left out on white.
    private static readonly int[] Colours = [0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x555555];

    private const int Ink = 0x202124, Soft = 0x5F6368, Grid = 0xE8EAED, Axis = 0x9AA0A6;

    public required IReadOnlyList<Series> Series { get; init; }

    public string? Title { get; init; }

    public string? XLabel { get; init; }

    public string? YLabel { get; init; }

    /// <summary>Logarithmic y axis.</summary>
    public bool LogY { get; init; }

    /// <summary>Logarithmic x axis.</summary>
    public bool LogX { get; init; }

    /// <summary>Lower and upper end of the y axis, instead of what the values ask for.</summary>
    public (double Low, double High)? YRange { get; init; }

    public int Width { get; init; } = 960;

    public int Height { get; init; } = 540;

    /// <summary>Of texts and lines; 1 has capitals of 10 pixels.</summary>
    public double Scale { get; init; } = 1;

    public Picture Draw()
    {
        foreach (var series in Series)
        {
            if (series.X is not null && series.X.Count != series.Y.Count) throw new ArgumentException($"series '{series.Name}' has {series.X.Count} x and {series.Y.Count} y values");
        }

        if (!(Scale is > 0 and <= 16) || Width < 200 * Scale || Height < 150 * Scale) throw new ArgumentException($"a plot of {Width} x {Height} at scale {Scale}; wanted at least 200 x 150 times the scale");
        double size = 10 * Scale, small = 9 * Scale, gap = 8 * Scale;
        using var sheet = new Sheet(Width, Height);
        var points = Series.Select(Points).ToArray();
        var known = points.SelectMany(p => p).Where(p => !double.IsNaN(p.X + p.Y)).ToArray();
        var across = new Scaling(known.Select(p => p.X), LogX, margin: 0);
        var up = YRange is { } range ? new Scaling([LogY ? Math.Log10(range.Low) : range.Low, LogY ? Math.Log10(range.High) : range.High], LogY, margin: 0) : new Scaling(known.Select(p => p.Y), LogY, margin: 0.04);

        // From the outside in: title, legend, axis names, numbers, and what is left is the field.
        var top = gap * 2;
        if (!string.IsNullOrEmpty(Title))
        {
            sheet.Text(gap * 2, top + size * 1.4, Title, size * 1.4, Ink, bold: true);
            top += size * 1.4 + gap * 1.5;
        }

        var yTicks = up.Ticks(Math.Max(2, (int)(Height / (45 * Scale))));
        var left = gap * 2 + (string.IsNullOrEmpty(YLabel) ? 0 : size + gap * 1.5) + yTicks.Max(t => Sheet.Measure(t.Text, small)) + gap;
        if (Series.Any(s => s.Name.Length > 0)) top = Legend(sheet, left, top, small, gap) + gap;
        var bottom = Height - gap * 2 - small - gap - (string.IsNullOrEmpty(XLabel) ? 0 : size + gap);
        double right = Width - gap * 3;
        left = Math.Round(left) + 0.5;
        bottom = Math.Round(bottom) + 0.5;
        double X(double v) => left + across.Part(v) * (right - left);
        double Y(double v) => bottom - up.Part(v) * (bottom - top);

        foreach (var (at, text) in yTicks)
        {
            var y = Math.Floor(Y(at)) + 0.5;
            sheet.Line([(left, y), (right, y)], 1, Grid);
            sheet.Text(left - gap, y + small / 2, text, small, Soft, 1);
        }

        foreach (var (at, text) in across.Ticks(Math.Max(2, (int)((right - left) / (90 * Scale)))))
        {
            var x = Math.Floor(X(at)) + 0.5;
            sheet.Line([(x, top), (x, bottom)], 1, Grid);
            sheet.Line([(x, bottom), (x, bottom + gap / 2)], 1, Axis);
            sheet.Text(x, bottom + gap + small, text, small, Soft, 0.5);
        }

        sheet.Line([(left, top), (left, bottom), (right, bottom)], 1, Axis);
        if (!string.IsNullOrEmpty(XLabel)) sheet.Text((left + right) / 2, Height - gap * 1.5, XLabel, size, Ink, 0.5);
        if (!string.IsNullOrEmpty(YLabel)) sheet.Text(gap * 1.5 + size, (top + bottom) / 2, YLabel, size, Ink, 0.5, upward: true);
        for (var i = 0; i < Series.Count; i++)
        {
            // With a range given, lines stop at its ends.
            sheet.Line([.. points[i].Select(p => (X(p.X), Math.Clamp(Y(p.Y), top, bottom)))], 1.8 * Scale, Colour(i));
        }

        if (known.Length == 0) sheet.Text((left + right) / 2, (top + bottom) / 2, "no values", size, Soft, 0.5);
        return sheet.ToPicture();
    }

    private double Legend(Sheet sheet, double left, double top, double small, double gap)
    {
        double x = left, y = top, swatch = 20 * Scale;
        for (var i = 0; i < Series.Count; i++)
        {
            var name = Sheet.Wrap(Series[i].Name, Width - left - swatch - gap * 4, small, 1)[0];
            var wide = swatch + gap * 0.75 + Sheet.Measure(name, small);
            if (x > left && x + wide > Width - gap * 3) (x, y) = (left, y + small * 1.9);
            sheet.Line([(x, y + small / 2), (x + swatch, y + small / 2)], 2.4 * Scale, Colour(i));
            sheet.Text(x + swatch + gap * 0.75, y + small, name, small, Ink);
            x += wide + gap * 2.5;
        }

        return y + small + gap;
    }

    private int Colour(int i) => Series[i].Colour ?? Colours[i % Colours.Length];

    private (double X, double Y)[] Points(Series series)
    {
        var points = new (double X, double Y)[series.Y.Count];
        for (var i = 0; i < points.Length; i++)
        {
            double x = series.X?[i] ?? i, y = series.Y[i];
            if (LogX) x = x > 0 ? Math.Log10(x) : double.NaN;
            if (LogY) y = y > 0 ? Math.Log10(y) : double.NaN;
            points[i] = double.IsFinite(x) && double.IsFinite(y) ? (x, y) : (double.NaN, double.NaN);
        }

        return points;
    }

    /// <summary>From values (on a logarithmic axis: their logarithms) to a place between 0 and 1.</summary>
    private sealed class Scaling
    {
        private readonly double low, high;
        private readonly bool log;

        public Scaling(IEnumerable<double> values, bool log, double margin)
        {
            this.log = log;
            (low, high) = values.Aggregate((double.PositiveInfinity, double.NegativeInfinity), (ends, v) => (Math.Min(ends.Item1, v), Math.Max(ends.Item2, v)));
            if (low > high) (low, high) = (0, 1);
            if (high - low <= 1e-12 * Math.Max(Math.Abs(low), Math.Abs(high))) (low, high) = low == 0 ? (-1, 1) : (low - Math.Abs(low) * 0.1, high + Math.Abs(high) * 0.1);
            var extra = (high - low) * margin;
            (low, high) = (low - extra, high + extra);
        }

        public double Part(double v) => (v - low) / (high - low);

        public (double At, string Text)[] Ticks(int wanted)
        {
            if (log && high - low >= 0.7) return Powers(wanted);
            // On a logarithmic axis of less than a decade: round values, placed by their logarithm.
            double from = log ? Math.Pow(10, low) : low, to = log ? Math.Pow(10, high) : high;
            var rough = (to - from) / wanted;
            var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
            var step = power * ((double[])[1, 2, 5, 10]).First(m => m * power >= rough * 0.999);
            var ticks = new List<(double, string)>();
            for (var n = Math.Ceiling(from / step - 1e-9); n * step <= to + step * 1e-9; n++)
            {
                var value = n * step;
                ticks.Add((log ? Math.Log10(value) : value, Number(value, step)));
            }

            return [.. ticks];
        }

        private (double, string)[] Powers(int wanted)
        {
            var decades = high - low;
            double[] steps = decades <= wanted / 3.0 ? [1, 2, 5] : [1];
            var every = Math.Max(1, (int)Math.Ceiling(decades / wanted));
            var ticks = new List<(double, string)>();
            for (var e = (int)Math.Floor(low); e <= high; e++)
            {
                if (e % every != 0) continue;
                foreach (var m in steps)
                {
                    var at = e + Math.Log10(m);
                    if (at >= low - 1e-9 && at <= high + 1e-9) ticks.Add((at, Number(m * Math.Pow(10, e), m * Math.Pow(10, e))));
                }
            }

            return [.. ticks];
        }

        // Digits enough to tell neighbours apart; thousands as k, millions as M.
        private static string Number(double value, double step)
        {
            if (Math.Abs(value) < step * 1e-6) return "0";
            if (Math.Abs(value) < 1e-4 || Math.Abs(value) >= 1e9) return value.ToString("0.##e0", CultureInfo.InvariantCulture);
            var (unit, suffix) = Math.Abs(value) >= 1e6 ? (1e6, "M") : Math.Abs(value) >= 1e4 ? (1e3, "k") : (1, "");
            var digits = Math.Clamp((int)Math.Ceiling(-Math.Log10(step / unit) - 1e-9), 0, 9);
            return (value / unit).ToString("F" + digits, CultureInfo.InvariantCulture) + suffix;
        }
    }
}
