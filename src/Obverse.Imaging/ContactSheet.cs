namespace Obverse.Imaging;

/// <summary>Many pictures on one: a grid with a caption under each.</summary>
public static class ContactSheet
{
    /// <summary>PNG text chunk by which a saved sheet is known.</summary>
    private const string Keyword = "obverse-sheet";

    private const int Ink = 0x202124, Soft = 0x5F6368, Edge = 0xDADCE0;

    /// <summary>Saves a sheet so that it is known for one: whatever reads a folder of pictures leaves it out.</summary>
    /// <param name="sheet">What <see cref="Draw"/> gave.</param>
    /// <param name="path">A PNG.</param>
    public static void Save(Picture sheet, string path) => sheet.Save(path, text: [new(Keyword, "a contact sheet")]);

    /// <summary>True for a sheet that <see cref="Save"/> wrote under a name that ends in sheet.png; no other file is opened.</summary>
    public static bool IsSaved(string path)
    {
        if (!path.EndsWith("sheet.png", StringComparison.OrdinalIgnoreCase)) return false;
        try
        {
            return PngText.Read(path).Any(text => text.Key == Keyword);
        }
        catch (Exception damaged) when (damaged is IOException or InvalidDataException)
        {
            return false; // whoever reads it says so
        }
    }

    /// <summary>Draws the grid, row after row. A picture keeps its shape and is scaled to fit its cell; transparent parts show white.</summary>
    /// <param name="cells">In reading order.</param>
    /// <param name="columns">Cells in a row.</param>
    /// <param name="cell">Side of a cell in pixels.</param>
    /// <param name="title">Above everything.</param>
    /// <param name="columnHeadings">One for each column.</param>
    /// <param name="rowHeadings">One for each row, at its left.</param>
    /// <param name="scale">Of texts and gaps; 1 has capitals of 9 pixels.</param>
    /// <param name="captionLines">Longer captions end in three dots.</param>
    public static Picture Draw(
        IReadOnlyList<(Picture Picture, string Caption)> cells, int columns, int cell = 128, string? title = null,
        IReadOnlyList<string>? columnHeadings = null, IReadOnlyList<string>? rowHeadings = null, double scale = 1, int captionLines = 3)
    {
        if (cells.Count == 0) throw new ArgumentException("a contact sheet of no pictures");
        if (columns < 1 || cell < 8 || !(scale is > 0 and <= 16) || captionLines < 0) throw new ArgumentException($"a contact sheet of {columns} columns, cells of {cell} pixels, scale {scale}, {captionLines} lines: wanted at least 1, 8, above 0 to 16, at least 0");
        var rows = (cells.Count + columns - 1) / columns;
        columns = Math.Min(columns, Math.Max(cells.Count, columnHeadings?.Count ?? 0));
        double size = 9 * scale, line = Math.Round(size * 1.75), large = size * 1.6;
        int gap = (int)Math.Round(12 * scale), margin = gap + gap / 2;

        var captions = cells.Select(c => c.Caption.Length == 0 ? [] : Sheet.Wrap(c.Caption, cell, size, captionLines)).ToArray();
        var heads = columnHeadings?.Select(h => Sheet.Wrap(h, cell, size, 2, bold: true)).ToArray() ?? [];
        var sides = rowHeadings?.Select(h => Sheet.Wrap(h, cell, size, Math.Max(1, (int)(cell / line)), bold: true)).ToArray() ?? [];
        var titles = string.IsNullOrEmpty(title) ? [] : Sheet.Wrap(title, Math.Max(cell, columns * (cell + gap) - gap), large, 3, bold: true);

        var left = margin + (sides.Length == 0 ? 0 : (int)Math.Ceiling(sides.SelectMany(s => s).Max(s => Sheet.Measure(s, size, bold: true))) + gap);
        var titleHeight = titles.Count == 0 ? 0 : titles.Count * large * 1.6 + gap * 0.75;
        var headHeight = heads.Length == 0 ? 0 : heads.Max(h => h.Count) * line + gap / 2;
        var tops = new int[rows + 1];
        tops[0] = margin + (int)(titleHeight + headHeight);
        for (var r = 0; r < rows; r++)
        {
            var lines = captions.Skip(r * columns).Take(columns).Max(c => c.Count);
            tops[r + 1] = tops[r] + cell + (lines == 0 ? 0 : (int)(lines * line + gap / 2)) + gap;
        }

        using var sheet = new Sheet(left + columns * (cell + gap) - gap + margin, tops[rows] - gap + margin);
        for (var i = 0; i < titles.Count; i++) sheet.Text(margin, margin + large + i * large * 1.6, titles[i], large, Ink, bold: true);
        for (var c = 0; c < Math.Min(heads.Length, columns); c++)
        {
            // The last line of every heading stands just above the cells.
            for (var i = 0; i < heads[c].Count; i++) sheet.Text(left + c * (cell + gap) + cell / 2.0, tops[0] - gap / 2 - (heads[c].Count - 1 - i) * line - size * 0.2, heads[c][i], size, Ink, 0.5, bold: true);
        }

        for (var r = 0; r < Math.Min(sides.Length, rows); r++)
        {
            var first = tops[r] + cell / 2.0 - (sides[r].Count - 1) * line / 2 + size / 2;
            for (var i = 0; i < sides[r].Count; i++) sheet.Text(left - gap, first + i * line, sides[r][i], size, Ink, 1, bold: true);
        }

        for (var n = 0; n < cells.Count; n++)
        {
            int x = left + n % columns * (cell + gap), y = tops[n / columns];
            var picture = Fit(cells[n].Picture, cell);
            int px = x + (cell - picture.Width) / 2, py = y + (cell - picture.Height) / 2;
            sheet.Rectangle(px - 1, py - 1, picture.Width + 2, picture.Height + 2, Edge);
            sheet.Rectangle(px, py, picture.Width, picture.Height, 0xFFFFFF);
            sheet.Place(picture, px, py);
            for (var i = 0; i < captions[n].Count; i++) sheet.Text(x + cell / 2.0, y + cell + gap / 2 + size + i * line, captions[n][i], size, Soft, 0.5);
        }

        return sheet.ToPicture();
    }

    private static Picture Fit(Picture picture, int cell)
    {
        var longest = Math.Max(picture.Width, picture.Height);
        int width = Math.Max(1, (int)Math.Round((double)picture.Width * cell / longest)), height = Math.Max(1, (int)Math.Round((double)picture.Height * cell / longest));
        return picture.Resize(width, height);
    }
}
