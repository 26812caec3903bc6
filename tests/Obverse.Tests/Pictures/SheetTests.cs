using Obverse.Imaging;
using Obverse.Models;
using Xunit;

namespace Obverse.Tests.Pictures;

public sealed class SheetTests
{
    [Fact]
    public void A_contact_sheet_holds_every_picture_unchanged()
    {
        var pictures = Enumerable.Range(0, 5).Select(i => PictureTests.Draw(64, 64, seed: i)).ToArray();
        var sheet = ContactSheet.Draw([.. pictures.Select((p, i) => (p, $"picture {i}, with a caption that is far too long for its cell"))], columns: 3, cell: 64, title: "five");
        Show(sheet, "contact-small");
        foreach (var picture in pictures) Assert.True(Holds(sheet, picture));
        Assert.Equal(sheet.Rgb.ToArray(), ContactSheet.Draw([.. pictures.Select((p, i) => (p, $"picture {i}, with a caption that is far too long for its cell"))], columns: 3, cell: 64, title: "five").Rgb.ToArray());
    }

    [Fact]
    public void Headings_and_odd_shapes_find_room()
    {
        (Picture, string)[] cells =
        [
            (PictureTests.Draw(200, 100), "0.2871 wide"), (PictureTests.Draw(50, 160), "tall"), (PictureTests.Draw(9, 9), "tiny, enlarged"), (PictureTests.Draw(64, 64, alpha: true), "with alpha"),
            (PictureTests.Draw(128, 128), "a watercolour fox asleep in the snow, painted at dusk by someone with patience"), (PictureTests.Draw(128, 128), ""), (PictureTests.Draw(128, 128), "Pneumonoultramicroscopicsilicovolcanoconiosis"),
        ];
        var sheet = ContactSheet.Draw(cells, 4, title: "Ablation: views, priors & schedules (seed 7)", columnHeadings: ["baseline", "+ shear 10", "+ colour", "all of it together"], rowHeadings: ["ViT-B-32", "RN50 robust"]);
        Show(sheet, "contact");
        Assert.InRange(sheet.Width, 4 * 128, 900);
        Assert.True(Holds(sheet, cells[4].Item1));
        Show(ContactSheet.Draw([.. cells.Select(c => (c.Item1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ Größe…"))], 3, cell: 256, title: "Every character", scale: 2, captionLines: 9), "glyphs");
    }

    [Fact]
    public void Text_of_any_script_is_drawn_in_lines_that_fit()
    {
        foreach (var text in (string[])["fox", "Füchse – “à la carte” ≥ 3 €", "лиса в снегу", "αλεπού", "雪の中の狐", "\U0001F98A\U0001F98A", "tab\tbell\a", "half \uD83E a pair", "\uDD8A", "ثعلب"])
        {
            using var sheet = new Sheet(200, 40);
            sheet.Text(4, 30, text, 12, 0x000000);
            Assert.InRange(sheet.ToPicture().Rgb.ToArray().Count(value => value < 128), 30, 8000);
            var lines = Sheet.Wrap(string.Concat(Enumerable.Repeat(text, 40)), 100, 9, 4);
            Assert.Equal(4, lines.Count);
            Assert.All(lines, line => Assert.InRange(Sheet.Measure(line, 9), 1, 100));
            Assert.EndsWith("...", lines[^1]);
        }

        Assert.Equal(["\U0001F98A", "\U0001F98A"], Sheet.Wrap("\U0001F98A\U0001F98A", 1, 9, 9));   // a character a line at least, never half of one
    }

    [Fact]
    public void A_plot_shows_its_curves_in_their_colours()
    {
        var random = new Random(2);
        double[] Curve(double start, double rate) => [.. Enumerable.Range(0, 400).Select(i => start * Math.Exp(-i * rate) + 0.02 + random.NextDouble() * 0.02)];
        var plot = new LinePlot
        {
            Title = "Loss of three schedules", XLabel = "step", YLabel = "loss", LogY = true,
            Series = [new("Adam 2e-3", Curve(4, 0.02)), new("Adam 5e-4, sweep 1.0", Curve(3, 0.01)), new("constant", [.. Enumerable.Repeat(0.3, 200), double.NaN, .. Enumerable.Repeat(0.5, 199)])],
        };
        var picture = plot.Draw();
        Show(picture, "plot-log");
        foreach (var colour in (int[])[0x0072B2, 0xD55E00, 0x009E73]) Assert.InRange(Count(picture, colour), 150, 20000);
        Assert.Equal((960, 540), (picture.Width, picture.Height));
        Show(new LinePlot { Title = "Accuracy", XLabel = "pictures seen", Series = [new("train", [0.1, 0.4, 0.55, 0.6, 0.64], [0, 20000, 40000, 60000, 80000]), new("held out", [0.1, 0.35, 0.42, 0.47, 0.46], [0, 20000, 40000, 60000, 80000])] }.Draw(), "plot-linear");
    }

    [Fact]
    public void A_plot_is_lettered_in_the_embedded_typeface()
    {
        var titled = new LinePlot { Series = [], Title = "Loss", YLabel = "loss" }.Draw();
        Assert.Equal(["Open Sans", "Open Sans Semibold"], ((bool[])[false, true]).Select(bold => ScottPlot.Fonts.GetTypeface(Typeface.Family, bold, italic: false).FamilyName));
        Assert.InRange(Count(titled, 0x202124), 20, 2000);   // where Skia finds no font, it draws no letter
        Assert.Equal(0, Count(new LinePlot { Series = [] }.Draw(), 0x202124));
    }

    [Fact]
    public void Every_name_is_in_the_legend_of_a_plot()
    {
        var plot = new LinePlot { Series = [.. Enumerable.Range(0, 6).Select(i => new Series($"a name too long for one row of six {i}", [i, i + 1]))], Width = 480, Height = 400 };
        int[] colours = [0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9];
        var legend = plot.Draw().Crop(0, 0, 120, 138);   // above the curves
        Assert.All(colours, colour => Assert.InRange(Count(legend, colour, within: 60), 15, 80));   // 20 pixels of line each, its edges smoothed
        var without = (plot with { Series = [.. plot.Series.Select(s => s with { Name = "" })] }).Draw().Crop(0, 0, 20, 20);
        Assert.All(colours, colour => Assert.Equal(0, Count(without, colour, within: 60)));
    }

    [Fact]
    public void Where_values_may_lie_is_a_band_in_their_colour()
    {
        var line = new Series("share", [0.4, 0.5, 0.45], [0, 1, 2]);
        var plot = new LinePlot { Series = [line with { Intervals = [(0.2, 0.6), (0.3, 0.7), (0.25, 0.65)] }] };
        var picture = plot.Draw();
        Show(picture, "plot-band");
        const int Mixed = 0xD9EAF4; // 15 % of 0x0072B2 on white
        Assert.InRange(Count(picture, Mixed, within: 6), picture.Width * picture.Height / 4, picture.Width * picture.Height); // 0.4 of a range of 0.54 is most of the plot's height
        Assert.InRange(Count(new LinePlot { Series = [line] }.Draw(), Mixed, within: 6), 0, 1000); // smoothed edges of the line
    }

    [Fact]
    public void Odd_values_do_not_stop_a_plot()
    {
        foreach (var log in (bool[])[false, true])
        {
            foreach (var values in (double[][])[[], [1], [0, 0, 0], [double.NaN], [-1, -5], [1e-30, 1e30], [double.PositiveInfinity, 1, 2], [5, 5], [1e300, -1e300], [1, 1 + 1e-15]])
            {
                new LinePlot { Series = [new("odd", values)], LogY = log, LogX = log, Width = 300, Height = 200 }.Draw();
                new LinePlot { Series = [new("odd", values) { Intervals = [.. values.Select(value => (-value, value * 2))] }], LogY = log, LogX = log, Width = 300, Height = 200 }.Draw();
            }
        }

        new LinePlot { Series = [] }.Draw();
        Assert.Throws<ArgumentException>(() => new LinePlot { Series = [new("a", [1, 2], [1])] }.Draw());
        Assert.Throws<ArgumentException>(() => new LinePlot { Series = [new("a", [1, 2]) { Intervals = [(0, 1)] }] }.Draw());
    }

    private static int Count(Picture picture, int colour, int within = 0)
    {
        var count = 0;
        for (var i = 0; i < picture.Rgb.Length; i += 3)
        {
            if (Math.Abs(picture.Rgb[i] - (colour >> 16)) + Math.Abs(picture.Rgb[i + 1] - (colour >> 8 & 255)) + Math.Abs(picture.Rgb[i + 2] - (colour & 255)) <= within) count++;
        }

        return count;
    }

    private static bool Holds(Picture sheet, Picture picture)
    {
        for (var y = 0; y <= sheet.Height - picture.Height; y++)
        {
            for (var x = 0; x <= sheet.Width - picture.Width; x++)
            {
                var row = 0;
                while (row < picture.Height && sheet.Rgb.Slice(((y + row) * sheet.Width + x) * 3, picture.Width * 3).SequenceEqual(picture.Rgb.Slice(row * picture.Width * 3, picture.Width * 3))) row++;
                if (row == picture.Height) return true;
            }
        }

        return false;
    }

    /// <summary>Keeps what was drawn, for looking at, where OBVERSE_SHOW names a folder.</summary>
    private static void Show(Picture picture, string name)
    {
        if (Environment.GetEnvironmentVariable("OBVERSE_SHOW") is { Length: > 0 } folder) picture.Save(Path.Combine(folder, name + ".png"));
    }
}
