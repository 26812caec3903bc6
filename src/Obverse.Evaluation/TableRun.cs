namespace Obverse.Evaluation;

/// <summary>Fills a table: every measure of every method; what is finished is taken from the folder, what is not is measured and stored at once.</summary>
public sealed class TableRun(TableSpec spec, string folder)
{
    /// <summary>A network by name, for a kind of metric; it is disposed after its measures.</summary>
    public required Func<TableMeasure, MetricKind, FeatureNetwork> Load { get; init; }

    /// <summary>A set by path; with captions where they are wanted.</summary>
    public required Func<string, bool, PictureSource> Open { get; init; }

    /// <summary>Where features are cached; null: nowhere.</summary>
    public string? Cache { get; init; }

    public int Halves { get; init; } = Resampling.Halves;
    public Action<string>? OnNote { get; init; }

    /// <summary>Called with method, measure and how many numbers are done, of how many.</summary>
    public Action<string, string, int, int>? OnCell { get; init; }

    /// <summary>Called with how many pictures of a set are done, and of how many.</summary>
    public Action<int, int>? OnProgress { get; init; }

    public EvaluationTable Run(CancellationToken stop = default)
    {
        // Names and sets before any number: a table that cannot be finished is not begun.
        var kinds = spec.Measures.Select(measure => MetricKind.Find(measure.Metric)).ToArray();
        for (var i = 0; i < kinds.Length; i++) Check(kinds[i], spec.Measures[i]);
        foreach (var method in spec.Methods) using (Open(method.Pictures, false)) { }
        List<TableCell> cells = [];
        var (store, done) = (new TableCells(folder), 0);
        for (var m = 0; m < kinds.Length; m++)
        {
            var (kind, measure) = (kinds[m], spec.Measures[m]);
            var metric = kind.Create(Settings(kind, measure));
            using var network = Load(measure, kind);
            using var extraction = new FeatureExtraction(network, Cache);
            using var reference = measure.Reference is { } real && metric.Inputs.HasFlag(MetricInputs.Reference) ? Open(real, false) : null;
            foreach (var method in spec.Methods)
            {
                stop.ThrowIfCancellationRequested();
                using var pictures = Open(method.Pictures, (metric.Inputs & (MetricInputs.Captions | MetricInputs.References)) != 0);
                var key = TableCells.Key($"{metric} {measure.As} {Halves} {Resampling.Resamples}", network.Key, reference is null ? [pictures] : [pictures, reference]);
                var found = store.Find(key);
                if (found is null) store.Save(key, found = Measured(extraction, metric, measure, pictures, reference, stop));
                cells.AddRange(found.Select(cell => cell with { Method = method.Name }));
                OnCell?.Invoke(method.Name, found[0].Measure, ++done, kinds.Length * spec.Methods.Count);
            }
        }

        return new(spec, cells);
    }

    private IReadOnlyList<TableCell> Measured(FeatureExtraction extraction, IMetric metric, TableMeasure measure, PictureSource pictures, PictureSource? reference, CancellationToken stop)
    {
        var result = new SetEvaluation(extraction) { Halves = Halves, OnUnreadable = line => OnNote?.Invoke($"left out: {line}"), OnProgress = OnProgress }.Measure(metric, pictures, reference, stop);
        foreach (var warning in result.Warnings) OnNote?.Invoke($"{pictures.Path}: {warning}");
        return [.. result.Figures.Select((figure, i) => new TableCell("", measure.As is null ? figure.Name : $"{figure.Name}, as {measure.As}", figure.Value, figure.Interval?.Low, figure.Interval?.High, result.Pictures, result.Reference, result.Unreadable.Count, metric.HigherIsBetter) { Scores = i == 0 ? result.Scores : null })];
    }

    private static void Check(MetricKind kind, TableMeasure measure)
    {
        if (kind.Create(Settings(kind, measure)).Inputs.HasFlag(MetricInputs.Reference) && measure.Reference is null) throw new ArgumentException($"{kind.Name} compares with real pictures: give the measure a \"reference\"");
        if (measure.Reference is { } reference && !Path.Exists(reference)) throw new FileNotFoundException($"{reference}: no such set of real pictures");
    }

    private static MetricSettings Settings(MetricKind kind, TableMeasure measure) =>
        new() { As = kind.Library(measure.As), Neighbours = measure.Neighbours, Subsets = measure.Subsets, SubsetSize = measure.SubsetSize, Splits = measure.Splits, Folds = measure.Folds };
}
