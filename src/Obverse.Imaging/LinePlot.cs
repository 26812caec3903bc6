using System.Globalization;
using ScottPlot;
using ScottPlot.AxisPanels;
using ScottPlot.TickGenerators;

namespace Obverse.Imaging;

/// <summary>One curve of a <see cref="LinePlot"/>. NaN and infinite values, and values not above 0 on a logarithmic axis, leave a gap.</summary>
/// <param name="Name">In the legend.</param>
/// <param name="Y">The values.</param>
/// <param name="X">One for each value, or null for 0, 1, 2, ...</param>
public sealed record Series(string Name, IReadOnlyList<double> Y, IReadOnlyList<double>? X = null)
{
    /// <summary>0xRRGGBB, or null for the next colour of the plot.</summary>
    public int? Colour { get; init; }

    /// <summary>Where each value may lie, drawn as a band behind the line, whose values are then dots; null: not known.</summary>
    public IReadOnlyList<(double Low, double High)>? Intervals { get; init; }
}

/// <summary>A line chart, drawn by ScottPlot: <c>new LinePlot { Title = "loss", LogY = true, Series = [new("train", loss)] }.Draw().Save("loss.png")</c>.</summary>
public sealed record LinePlot
{
    // Okabe and Ito (2008), distinct for every kind of colour vision; yellow left out on white, wine (Tol) for an eighth.
    private static readonly int[] Colours = [0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x555555, 0x882255];

    private static readonly Color Ink = Of(0x202124), Soft = Of(0x5F6368), GridLine = Of(0xE8EAED), AxisLine = Of(0x9AA0A6);

    private const double BandOpacity = 0.15;

    private const float Text = 14, Small = 12.6f, Large = 19.6f;   // pixels an em at scale 1

    public required IReadOnlyList<Series> Series { get; init; }

    public string? Title { get; init; }

    public string? XLabel { get; init; }

    public string? YLabel { get; init; }

    /// <summary>Logarithmic y axis.</summary>
    public bool LogY { get; init; }

    /// <summary>Logarithmic x axis.</summary>
    public bool LogX { get; init; }

    /// <summary>Lower and upper end of the y axis, instead of those of the values.</summary>
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
            if (series.Intervals is not null && series.Intervals.Count != series.Y.Count) throw new ArgumentException($"series '{series.Name}' has {series.Intervals.Count} intervals and {series.Y.Count} y values");
        }

        if (!(Scale is > 0 and <= 16) || Width < 200 * Scale || Height < 150 * Scale) throw new ArgumentException($"a plot of {Width} x {Height} at scale {Scale}; wanted at least 200 x 150 times the scale");
        using var plot = new Plot { ScaleFactor = Scale };
        Style(plot);
        var points = Series.Select(series => Points(series, series.Y)).ToArray();
        (Coordinates Low, Coordinates High)[][] bands = [.. Series.Select(Band)];
        var known = points.SelectMany(p => p).Concat(bands.SelectMany(b => b).SelectMany(b => (Coordinates[])[b.Low, b.High])).Where(p => !double.IsNaN(p.X)).ToArray();
        var (left, right) = Ends(known.Select(p => p.X), margin: 0);
        var (low, high) = YRange is { } range ? Ends([LogY ? Math.Log10(range.Low) : range.Low, LogY ? Math.Log10(range.High) : range.High], margin: 0) : Ends(known.Select(p => p.Y), margin: 0.04);
        plot.Axes.SetLimits(left, right, low, high);
        plot.Axes.Bottom.TickGenerator = Ticks(left, right, LogX, Width / (90 * Scale));
        plot.Axes.Left.TickGenerator = Ticks(low, high, LogY, Height / (45 * Scale));
        Color ColourOf(int i) => Of(Series[i].Colour ?? Colours[i % Colours.Length]);
        for (var i = 0; i < bands.Length; i++)
        {
            if (bands[i].Length == 0) continue;
            var band = plot.Add.FillY([.. bands[i].Select(b => (b.Low.X, b.Low.Y, b.High.Y))]);
            (band.FillColor, band.LineWidth, band.MarkerSize) = (ColourOf(i).WithAlpha(BandOpacity), 0, 0);
        }

        for (var i = 0; i < points.Length; i++) Add(plot, points[i], ColourOf(i), Series[i].Name, areDots: bands[i].Length > 0);
        if (known.Length == 0)
        {
            var note = plot.Add.Text("no values", (left + right) / 2, (low + high) / 2);
            note.LabelAlignment = Alignment.MiddleCenter;
            Letter(note.LabelStyle, note.LabelText, Text, Soft);
        }

        using var sheet = new Sheet(Width, Height);
        plot.Render(sheet.Canvas, Width, Height);
        return sheet.ToPicture();
    }

    private void Style(Plot plot)
    {
        Typeface.RegisterWithScottPlot();
        foreach (var (axis, size) in ((IAxis, float)[])[(plot.Axes.Right, 24), (plot.Axes.Top, 8)])   // room, without a line or ticks
        {
            (axis.FrameLineStyle.Width, axis.TickGenerator) = (0, new NumericManual());
            ((AxisBase)axis).MinimumSize = ((AxisBase)axis).MaximumSize = size;
        }

        plot.Grid.MajorLineColor = GridLine;
        foreach (var (axis, label) in ((IAxis, string?)[])[(plot.Axes.Bottom, XLabel), (plot.Axes.Left, YLabel)])
        {
            (axis.FrameLineStyle.Color, axis.MajorTickStyle.Color, axis.MajorTickStyle.Length, axis.MinorTickStyle.Length) = (AxisLine, AxisLine, 4, 0);
            Letter(axis.TickLabelStyle, axis.TickLabelStyle.Text, Small, Soft);
            Letter(axis.Label, label, Text, Ink);
        }

        Letter(plot.Axes.Title.Label, Title, Large, Ink, bold: true);
        if (!Series.Any(s => s.Name.Length > 0)) return;
        var panel = plot.ShowLegend(Edge.Top);
        panel.Alignment = Alignment.MiddleLeft;
        panel.Padding = PixelPadding.Zero;
        var legend = panel.Legend;
        // A panel above the plot has room for one row: names that are too long for it stand in a column.
        var row = Series.Sum(s => Sheet.Measure(s.Name, Small * Typeface.CapHeight) + 45) < Width / Scale - 120;
        (legend.Orientation, legend.TightHorizontalWrapping, legend.OutlineWidth, legend.ShadowColor) = (row ? Orientation.Horizontal : Orientation.Vertical, true, 0, Colors.Transparent);
        (legend.FontName, legend.FontSize, legend.FontColor, legend.Padding) = (Typeface.Family, Small, Ink, new PixelPadding(0, 4));
        legend.InterItemPadding = new PixelPadding(10, 10, 3, 3);
    }

    // Label by label: ScottPlot's Font.Set writes to static fields, which are its other users' too.
    private static void Letter(LabelStyle label, string? text, float size, Color colour, bool bold = false) =>
        (label.Text, label.FontName, label.FontSize, label.ForeColor, label.Bold) = (Typeface.Drawable(text ?? ""), Typeface.Family, size, colour, bold);

    // A run of points without a gap is a line; a point between two gaps is a dot, or it would not be seen.
    private void Add(Plot plot, Coordinates[] points, Color colour, string name, bool areDots)
    {
        List<Coordinates> run = [];
        var named = false;
        foreach (var point in points.Append(Nowhere))
        {
            if (!double.IsNaN(point.X))
            {
                run.Add(point);
                continue;
            }

            if (run.Count == 0) continue;
            var line = plot.Add.Scatter(run, colour);
            (line.LineWidth, line.MarkerSize) = (1.8f, run.Count == 1 || areDots ? 4 : 0);
            if (!named) line.LegendText = Sheet.Wrap(name, (Width / Scale) - 120, Small * Typeface.CapHeight, 1)[0];
            (named, run) = (true, []);
        }
    }

    private static Coordinates Nowhere => new(double.NaN, double.NaN);

    // What of the intervals can be drawn.
    private (Coordinates Low, Coordinates High)[] Band(Series series) => series.Intervals is not { } intervals ? []
        : [.. Points(series, [.. intervals.Select(i => i.Low)]).Zip(Points(series, [.. intervals.Select(i => i.High)])).Where(b => !double.IsNaN(b.First.X) && !double.IsNaN(b.Second.X))];

    private Coordinates[] Points(Series series, IReadOnlyList<double> values)
    {
        var points = new Coordinates[values.Count];
        for (var i = 0; i < points.Length; i++)
        {
            double x = series.X?[i] ?? i, y = values[i];
            if (LogX) x = x > 0 ? Math.Log10(x) : double.NaN;
            if (LogY) y = y > 0 ? Math.Log10(y) : double.NaN;
            points[i] = double.IsFinite(x) && double.IsFinite(y) ? new(x, y) : Nowhere;
        }

        return points;
    }

    private static (double Low, double High) Ends(IEnumerable<double> values, double margin)
    {
        var (low, high) = values.Aggregate((Low: double.PositiveInfinity, High: double.NegativeInfinity), (ends, v) => (Math.Min(ends.Low, v), Math.Max(ends.High, v)));
        if (low > high) return (0, 1);
        if (high - low <= 1e-12 * Math.Max(Math.Abs(low), Math.Abs(high))) return low == 0 ? (-1, 1) : (low - Math.Abs(low) * 0.1, high + Math.Abs(high) * 0.1);
        var extra = (high - low) * margin;
        return (low - extra, high + extra);
    }

    // ScottPlot has no logarithmic axis: it draws logarithms, and the ticks say what they are logarithms of.
    private static ITickGenerator Ticks(double low, double high, bool log, double wanted)
    {
        var largest = Math.Max(Math.Abs(low), Math.Abs(high));
        if (!log) return new NumericAutomatic { TickDensity = 0.5, LabelFormatter = v => Number(Math.Abs(v) < (high - low) * 1e-6 ? 0 : v, largest) };
        var decades = high - low;
        double[] steps = decades > wanted / 3 ? [1] : decades >= 0.7 ? [1, 2, 5] : [.. Enumerable.Range(10, 90).Select(n => n / 10.0)];
        var every = Math.Max(1, (int)Math.Ceiling(decades / wanted));
        var values = Enumerable.Range((int)Math.Floor(low), (int)Math.Ceiling(decades) + 2).Where(e => e % every == 0).SelectMany(e => steps.Select(m => m * Math.Pow(10, e)))
            .Where(v => Math.Log10(v) >= low - 1e-9 && Math.Log10(v) <= high + 1e-9).ToArray();
        var thin = Math.Max(1, (int)Math.Ceiling(values.Length / wanted));   // less than a decade: some of its two-digit values
        return new NumericManual([.. values.Where((_, i) => i % thin == 0).Select(v => Tick.Major(Math.Log10(v), Number(v, v)))]);
    }

    // In every culture the same; thousands as k and millions as M where the axis has large values.
    private static string Number(double value, double largest)
    {
        if (value == 0) return "0";
        if (Math.Abs(value) < 1e-4 || largest >= 1e9) return value.ToString("0.##e0", CultureInfo.InvariantCulture);
        var (unit, suffix) = largest switch { >= 1e6 => (1e6, "M"), >= 1e4 => (1e3, "k"), _ => (1, "") };
        return (value / unit).ToString("0.########", CultureInfo.InvariantCulture) + suffix;
    }

    private static Color Of(int colour) => new((byte)(colour >> 16), (byte)(colour >> 8), (byte)colour);
}
