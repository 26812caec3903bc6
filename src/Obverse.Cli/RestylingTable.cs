using System.Globalization;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Training;

namespace Obverse.Cli;

/// <summary>Photographs redrawn in styles by several recipes: the content that is left (<see cref="EdgeCorrelation"/> with the photograph) beside the style gained (<see cref="StyleGain"/>), with intervals.</summary>
internal sealed record RestylingTable
{
    public required string Folder { get; init; }
    public required IReadOnlyList<string> Photographs { get; init; }
    public required IReadOnlyList<PaintedStyle> Styles { get; init; }
    public required IReadOnlyList<string> Recipes { get; init; }
    public required InversionRequest Request { get; init; }

    /// <summary>The share of the style in the target of `restyle`, which is a mix of picture and text.</summary>
    public double Mix { get; init; } = 0.6; // spec implicit-inversion.md 2.9

    /// <summary>A redrawn photograph.</summary>
    internal sealed record Cell(string Recipe, string Photograph, PaintedStyle Style, string Path, double Edges, double Gain, double Seconds);

    /// <summary>What is asked for: the style's first noun.</summary>
    public static string TextOf(PaintedStyle style) => style.Nouns[0];

    /// <summary>Draws what is not there yet, measures, and writes table.md, table.csv and sheet.png.</summary>
    public IReadOnlyList<Cell> Make(Workshop workshop, Judge judge, Action<Cell> onProgress, CancellationToken stop)
    {
        var items = Recipes.SelectMany(recipe => Photographs.SelectMany(photograph => Styles.Select(style => (Recipe: recipe, Photograph: photograph, Style: style))));
        List<Cell> cells = [];
        JobList.Run(items, item => (Plan(workshop, item.Recipe, item.Photograph, item.Style), PathOf(item.Recipe, item.Photograph, item.Style)), workshop, workers: 1, (item, path, done) =>
        {
            var drawn = Picture.Load(path);
            var photograph = Picture.Load(item.Photograph).OnWhite().Resize(drawn.Width, drawn.Height);
            cells.Add(new(item.Recipe, item.Photograph, item.Style, path, EdgeCorrelation.Of(photograph, drawn), StyleGain.Of(judge, item.Style, photograph, drawn), done?.Seconds ?? double.NaN));
            onProgress(cells[^1]);
        }, cancellation: stop);
        AtomicFile.WriteText(Path.Combine(Folder, "table.md"), Markdown(cells));
        AtomicFile.WriteText(Path.Combine(Folder, "table.csv"), ResultTable.Csv("recipe,photograph,style,edges,gain,seconds", cells.Select(cell => (FormattableString)$"{cell.Recipe},{cell.Photograph},{cell.Style.Name},{cell.Edges:F4},{cell.Gain:F4},{cell.Seconds:F1}")));
        ContactSheet.Save(Sheet(cells), Path.Combine(Folder, "sheet.png"));
        return cells;
    }

    private InversionJob Plan(Workshop workshop, string recipe, string photograph, PaintedStyle style)
    {
        PromptPart[] text = [new(TextOf(style), 1, null)];
        var mixes = Obverse.Recipes.Named(recipe).Fit is not null; // edit and restyle: the target holds the picture too
        return (Request with { Recipe = recipe, Start = photograph, Shape = DrawingOptions.ShapeOf(photograph), Parts = mixes ? EditReport.Mixed(photograph, text, Mix) : new Prompt([.. text]) }).Check(workshop).Job(workshop);
    }

    private string PathOf(string recipe, string photograph, PaintedStyle style) =>
        Path.Combine(Folder, "pictures", Path.GetFileNameWithoutExtension(recipe), $"{FileNames.Slug(Named(photograph))}-{style.Name}.png");

    // With its folder: data sets call every subject's first photograph 00.
    private static string Named(string photograph) => Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(photograph))) + "-" + Path.GetFileNameWithoutExtension(photograph);

    /// <summary>A row for each recipe and style, and one for all styles of a recipe; then the paired difference of each recipe to the first.</summary>
    internal static string Markdown(IReadOnlyList<Cell> cells)
    {
        string[] recipes = [.. cells.Select(cell => cell.Recipe).Distinct()];
        IEnumerable<string> Row(string recipe, string style, IReadOnlyList<Cell> of) => [Name(recipe), style, of.Count.ToString(CultureInfo.InvariantCulture), Mean(of.Select(cell => cell.Edges)), Mean(of.Select(cell => cell.Gain)), Median(of)];
        Cell[] Of(string recipe) => [.. cells.Where(cell => cell.Recipe == recipe)];
        var text = $"{cells.Select(cell => cell.Photograph).Distinct().Count()} photographs. Content: edge correlation with the photograph. Style: the judge's direction cosine. Means with 95 % intervals (bootstrap over pictures).\n\n"
            + ResultTable.Markdown(["recipe", "style", "pictures", "content: edges", "style: gain", "seconds a picture (median)"], recipes.SelectMany(recipe => Of(recipe).GroupBy(cell => TextOf(cell.Style)).Select(group => Row(recipe, group.Key, [.. group])).Append(Row(recipe, "all", Of(recipe)))));
        foreach (var recipe in recipes.Skip(1))
        {
            // one order of photographs and styles for both: the pictures are pairs
            var pairs = Of(recipe).Join(Of(recipes[0]), cell => (cell.Photograph, cell.Style.Name), cell => (cell.Photograph, cell.Style.Name), (ours, first) => (Ours: ours, First: first)).ToArray();
            string Difference(Func<Cell, double> number) => PairedBootstrap.Of([.. pairs.Select(pair => number(pair.Ours))], [.. pairs.Select(pair => number(pair.First))]).Show("+0.000;-0.000");
            text += $"\n{Name(recipe)} less {Name(recipes[0])}, {pairs.Length} pairs: edges {Difference(cell => cell.Edges)}, gain {Difference(cell => cell.Gain)}.\n";
        }

        return text;
    }

    private Picture Sheet(IReadOnlyList<Cell> cells)
    {
        List<(Picture, string)> shown = [];
        List<string> heads = [];
        foreach (var group in cells.GroupBy(cell => (cell.Photograph, cell.Recipe)).OrderBy(group => Photographs.ToList().IndexOf(group.Key.Photograph)))
        {
            heads.Add($"{Name(group.Key.Recipe)}, {Named(group.Key.Photograph)}");
            shown.Add((Picture.Load(group.Key.Photograph).OnWhite().AtMost(1 << 20), "the photograph"));
            shown.AddRange(group.Select(cell => (Picture.Load(cell.Path), string.Create(CultureInfo.InvariantCulture, $"{TextOf(cell.Style)}: edges {cell.Edges:0.00}, gain {cell.Gain:0.00}"))));
        }

        return ContactSheet.Draw(shown, Styles.Count + 1, 160, "Restyling: content kept (edge correlation) and style gained (the judge's direction cosine)", rowHeadings: heads);
    }

    private static string Name(string recipe) => recipe.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? Path.GetFileNameWithoutExtension(recipe) : recipe;

    private static string Mean(IEnumerable<double> values) => values.ToArray() is { Length: > 1 } all ? PairedBootstrap.Of(all, new double[all.Length]).Show("0.000") : values.First().ToString("0.000", CultureInfo.InvariantCulture);

    private static string Median(IEnumerable<Cell> cells) => cells.Select(cell => cell.Seconds).Where(double.IsFinite).Order().ToArray() is { Length: > 0 } seconds ? seconds[seconds.Length / 2].ToString("F1", CultureInfo.InvariantCulture) : "-";
}
