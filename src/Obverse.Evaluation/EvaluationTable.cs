using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Evaluation;

/// <summary>A method: its pictures, or the variant of `ablate` that draws them.</summary>
public sealed record TableMethod(string Name, string? Pictures = null, string? Variant = null);

/// <summary>What variants draw: a list of captions (lines of text, or a data set's JSON), N of them, and the settings that the methods share.</summary>
public sealed record TableDraw(string? Captions = null, int? CaptionsPerPicture = null, int? N = null, int? Size = null, string? Quality = null, int? Steps = null, ulong Seed = 0, string? Model = null, string? Bank = null, string? PlainBank = null);

/// <summary>A measure of the table: a metric by its command's name, over which network, against which set, as whose number.</summary>
public sealed record TableMeasure(string Metric, string? Network = null, string? Reference = null, string? As = null, int? Neighbours = null, int? Subsets = null, int? SubsetSize = null, int? Splits = null, int? Folds = null, bool? Pairs = null, string? Net = null, string? Heads = null, string? Title = null);

/// <summary>What a table is made of, as JSON. Paths are relative to its file; the first method is the baseline of differences unless another is named.</summary>
public sealed record TableSpec(string? Title, IReadOnlyList<TableMethod> Methods, IReadOnlyList<TableMeasure> Measures, string? Baseline = null, TableDraw? Draw = null)
{
    private static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web) { UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow, ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <exception cref="InvalidDataException">Something else, by its file.</exception>
    public static TableSpec Load(string path)
    {
        try
        {
            var spec = JsonSerializer.Deserialize<TableSpec>(string.Join('\n', TextLines.Read(path)), json);
            if (spec is not { Methods: { Count: > 0 }, Measures: { Count: > 0 } } || spec.Methods.Any(one => one is not { Name.Length: > 0 } || (one.Pictures is null) == (one.Variant is null)) || spec.Measures.Any(one => one?.Metric is null)) throw new JsonException("methods [{name, pictures or variant}] and measures [{metric, …}] are wanted");
            if (spec.Draw is null && spec.Methods.FirstOrDefault(one => one.Variant is not null) is { } drawn) throw new JsonException($"method '{drawn.Name}' is drawn: \"draw\": {{\"captions\": FILE}} is wanted");
            if (spec.Methods.GroupBy(one => one.Name).FirstOrDefault(group => group.Count() > 1) is { } twice) throw new JsonException($"method '{twice.Key}' is there twice");
            if (spec.Baseline is { } name && spec.Methods.All(one => one.Name != name)) throw new JsonException($"no method is called as the baseline, '{name}'");
            var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            string? At(string? relative) => relative is null ? null : Path.Combine(folder, relative);
            string? Network(string? network) => network is not null && Path.Exists(At(network)) ? At(network) : network;
            return spec with { Methods = [.. spec.Methods.Select(one => one with { Pictures = At(one.Pictures) })], Measures = [.. spec.Measures.Select(one => one with { Reference = At(one.Reference), Network = Network(one.Network), Heads = At(one.Heads) })], Draw = spec.Draw is { } draw ? draw with { Captions = At(draw.Captions), Bank = Network(draw.Bank), PlainBank = At(draw.PlainBank) } : null };
        }
        catch (JsonException wrong)
        {
            var what = Regex.Match(wrong.Message, "^The JSON property '(.*?)' could not be mapped") is { Success: true } unknown ? $"no such key '{unknown.Groups[1].Value}'" : wrong.Message.Split('\n')[0].TrimEnd('.');
            throw new InvalidDataException($"{path}: is no table ({what})", wrong);
        }
    }
}

/// <summary>A number of the table; <see cref="Difference"/> to the baseline is paired, over the pictures that both methods have by name.</summary>
public sealed record TableCell(string Method, string Measure, double Value, double? Low, double? High, int Pictures, int Reference, int Unreadable, bool HigherIsBetter, TableDifference? Difference = null)
{
    /// <summary>A value per picture, by name.</summary>
    public IReadOnlyDictionary<string, double>? Scores { get; init; }
}

/// <summary>A method's mean less the baseline's, with its 95 % interval, over N pictures.</summary>
public sealed record TableDifference(double Mean, double Low, double High, int Count);

/// <summary>Methods by measures, each number with its interval: written as Markdown, CSV, JSON and a plot a measure.</summary>
public sealed class EvaluationTable(TableSpec spec, IReadOnlyList<TableCell> cells)
{
    /// <summary>A number with as many digits as its interval bears: "12.31 [11.94, 12.70]".</summary>
    public static string Shown(Measured figure) => Shown(figure.Value, figure.Interval?.Low, figure.Interval?.High) + (figure.Deviation is { } deviation ? $" ± {Round(deviation, deviation)}" : "");

    public IReadOnlyList<TableCell> Cells { get; } = Differences(spec, cells);

    /// <summary>The table, and below it the differences to the baseline where there are any.</summary>
    public string Markdown()
    {
        string[] measures = [.. Cells.Select(cell => cell.Measure).Distinct()];
        var text = new StringBuilder();
        if (spec.Title is { } title) text.Append(CultureInfo.InvariantCulture, $"# {title}\n\n");
        text.Append(ResultTable.Markdown(["method", .. measures.Select(measure => $"{measure} {(Cells.First(cell => cell.Measure == measure).HigherIsBetter ? "↑" : "↓")}"), "N"], spec.Methods.Select(method =>
        {
            var row = Cells.Where(cell => cell.Method == method.Name).ToDictionary(cell => cell.Measure);
            return (IEnumerable<string>)[method.Name, .. measures.Select(measure => row.TryGetValue(measure, out var cell) ? Shown(cell.Value, cell.Low, cell.High) : ""), string.Join(", ", row.Values.Select(cell => cell.Pictures).Distinct())];
        })));
        text.Append("\nBrackets: 95 % intervals, by the bootstrap over pictures for means, by random halves for distances between sets.\n");
        var differing = measures.Where(measure => Cells.Any(cell => cell.Measure == measure && cell.Difference is not null)).ToArray();
        if (differing.Length == 0) return text.ToString();
        string Difference(string method, string measure) => Cells.FirstOrDefault(cell => cell.Method == method && cell.Measure == measure)?.Difference is { } d ? $"{(d.Mean > 0 ? "+" : "")}{Shown(d.Mean, d.Low, d.High)}, N {d.Count}" : "";
        text.Append(CultureInfo.InvariantCulture, $"\nDifference to {Baseline(spec)}, paired by picture:\n\n");
        text.Append(ResultTable.Markdown(["method", .. differing], spec.Methods.Where(one => one.Name != Baseline(spec)).Select(one => (IEnumerable<string>)[one.Name, .. differing.Select(measure => Difference(one.Name, measure))])));
        return text.ToString();
    }

    public string Csv() => ResultTable.Csv("method,measure,value,low,high,pictures,reference,unreadable,difference,difference_low,difference_high,difference_pictures", Cells.Select(cell => (FormattableString)
        $"{cell.Method},{cell.Measure},{cell.Value:R},{cell.Low:R},{cell.High:R},{cell.Pictures},{cell.Reference},{cell.Unreadable},{cell.Difference?.Mean:R},{cell.Difference?.Low:R},{cell.Difference?.High:R},{cell.Difference?.Count}"));

    /// <summary>table.md, table.csv, table.json, plot-MEASURE.png with the intervals, and plot-MEASURE-against-DISTANCE.png: whether methods that are more like their captions are further from real pictures.</summary>
    public void Save(string folder)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.WriteText(Path.Combine(folder, "table.md"), Markdown());
        AtomicFile.WriteText(Path.Combine(folder, "table.csv"), Csv());
        AtomicFile.WriteText(Path.Combine(folder, "table.json"), JsonSerializer.Serialize(new { spec.Title, Cells }, TableCells.Json) + "\n");
        foreach (var measure in Cells.GroupBy(cell => cell.Measure)) Plot([.. measure]).Save(Path.Combine(folder, $"plot-{FileNames.Slug(measure.Key)}.png"));
        foreach (var (likeness, distance) in Pairs()) Against(likeness, distance).Save(Path.Combine(folder, $"plot-{FileNames.Slug(likeness[0].Measure)}-against-{FileNames.Slug(distance[0].Measure)}.png"));
    }

    // A likeness has a number for every picture, a distance one for the set; the cells of both are in the methods' order.
    private IEnumerable<(TableCell[] Likeness, TableCell[] Distance)> Pairs()
    {
        var measures = Cells.GroupBy(cell => cell.Measure).Select(group => group.ToArray()).Where(group => group.Length >= 3 && group.Length == spec.Methods.Count).ToArray();
        foreach (var likeness in measures.Where(group => group.All(cell => cell.HigherIsBetter && cell.Scores is not null)))
            foreach (var distance in measures.Where(group => group.All(cell => !cell.HigherIsBetter && cell.Scores is null))) yield return (likeness, [.. likeness.Select(cell => distance.Single(other => other.Method == cell.Method))]);
    }

    // A method a cross: from low to high both ways, a dot at its values.
    private static Picture Against(TableCell[] likeness, TableCell[] distance) => new LinePlot
    {
        Title = $"{likeness[0].Measure} against {distance[0].Measure}: Spearman {RankCorrelation.Spearman([.. likeness.Select(cell => cell.Value)], [.. distance.Select(cell => cell.Value)]).ToString("+0.00;-0.00;0", CultureInfo.InvariantCulture)} over {likeness.Length} methods",
        XLabel = $"{likeness[0].Measure}, higher is better", YLabel = $"{distance[0].Measure}, lower is better", Height = 640,
        Series = [.. likeness.Zip(distance, (x, y) => new Series(x.Method,
            [y.Value, y.Value, double.NaN, y.Low ?? double.NaN, y.High ?? double.NaN, double.NaN, y.Value],
            [x.Low ?? double.NaN, x.High ?? double.NaN, double.NaN, x.Value, x.Value, double.NaN, x.Value]))],
    }.Draw();

    // A method a place: a dot at its value, a line from low to high.
    private static Picture Plot(IReadOnlyList<TableCell> cells) => new LinePlot
    {
        Title = cells[0].Measure, YLabel = cells[0].HigherIsBetter ? "higher is better" : "lower is better", XLabel = "method, as in the legend",
        Series = [.. cells.Index().Select(pair => new Series(pair.Item.Method, [pair.Item.Low ?? double.NaN, pair.Item.High ?? double.NaN, double.NaN, pair.Item.Value], [pair.Index + 1, pair.Index + 1, pair.Index + 1, pair.Index + 1]))],
    }.Draw();

    private static string Baseline(TableSpec spec) => spec.Baseline ?? spec.Methods[0].Name;

    private static IReadOnlyList<TableCell> Differences(TableSpec spec, IReadOnlyList<TableCell> cells)
    {
        var baselines = cells.Where(cell => cell.Method == Baseline(spec) && cell.Scores is not null).ToDictionary(cell => cell.Measure, cell => cell.Scores!);
        return [.. cells.Select(cell =>
        {
            if (cell.Method == Baseline(spec) || cell.Scores is not { } ours || !baselines.TryGetValue(cell.Measure, out var theirs)) return cell;
            string[] shared = [.. ours.Keys.Where(theirs.ContainsKey).Order(StringComparer.Ordinal)];
            if (shared.Length < 2) return cell;
            var difference = PairedBootstrap.Of([.. shared.Select(name => ours[name])], [.. shared.Select(name => theirs[name])]);
            return cell with { Difference = new(difference.Mean, difference.Low, difference.High, shared.Length) };
        })];
    }

    private static string Shown(double value, double? low, double? high) => low is { } l && high is { } h ? $"{Round(value, (h - l) / 2)} [{Round(l, (h - l) / 2)}, {Round(h, (h - l) / 2)}]" : Round(value, Math.Abs(value) / 100);

    // To two digits of what is uncertain.
    private static string Round(double value, double uncertain) =>
        value.ToString(uncertain > 0 && double.IsFinite(uncertain) ? "F" + Math.Clamp(1 - (int)Math.Floor(Math.Log10(uncertain)), 0, 10) : "G6", CultureInfo.InvariantCulture);
}

/// <summary>The finished numbers of a table's folder, a file each by what went into them, so that an interrupted table goes on.</summary>
public sealed class TableCells(string folder)
{
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>The key of a number: the measure and all it depends on, and the bytes of every picture and caption.</summary>
    public static string Key(string measure, params IEnumerable<PictureSource> sources)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"1 {measure}\n"));
        foreach (var source in sources)
        {
            for (var i = 0; i < source.Pictures.Count; i++)
            {
                hash.AppendData(Encoding.UTF8.GetBytes($"{source.Pictures[i].Name}\n{string.Join('\n', source.Pictures[i].Captions)}\n{source.Pictures[i].Subject}\n"));
                try
                {
                    hash.AppendData(SHA256.HashData(source.Read(i)));
                }
                catch (PictureException unreadable)
                {
                    hash.AppendData(Encoding.UTF8.GetBytes(unreadable.Message));
                }
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];
    }

    /// <summary>What was finished, or null.</summary>
    public IReadOnlyList<TableCell>? Find(string key)
    {
        try
        {
            return File.Exists(PathOf(key)) ? JsonSerializer.Deserialize<TableCell[]>(File.ReadAllText(PathOf(key)), Json) : null;
        }
        catch (JsonException)
        {
            return null; // damaged: measured anew
        }
    }

    public void Save(string key, IReadOnlyList<TableCell> cells)
    {
        Directory.CreateDirectory(Path.Combine(folder, "cells"));
        AtomicFile.WriteText(PathOf(key), JsonSerializer.Serialize(cells, Json));
    }

    private string PathOf(string key) => Path.Combine(folder, "cells", key + ".json");
}
