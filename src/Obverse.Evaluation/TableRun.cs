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

    /// <summary>The shard of the numbers to measure: every <c>Of</c>-th from <c>Index</c> (from 1).</summary>
    public (int Index, int Of) Shard { get; init; } = (1, 1);

    public int Halves { get; init; } = Resampling.Halves;
    public Action<string>? OnNote { get; init; }

    /// <summary>Called with method, measure and how many numbers are done, of how many.</summary>
    public Action<string, string, int, int>? OnCell { get; init; }

    /// <summary>Called with how many pictures of a set are done, and of how many.</summary>
    public Action<int, int>? OnProgress { get; init; }

    /// <summary>Measures what is missing of this shard.</summary>
    /// <returns>The table, or null and how many numbers of other shards are not there yet.</returns>
    public (EvaluationTable? Table, int Missing) Run(CancellationToken stop = default)
    {
        // Names and sets before any number: a table that cannot be finished is not begun.
        Check(spec);
        foreach (var method in spec.Methods) using (Open(method.Pictures!, false)) { }
        List<(string Method, string? Title, string Key)> numbers = [];
        var store = new TableCells(folder);
        foreach (var measure in spec.Measures)
        {
            using var column = Column(measure);
            using var reference = column.Compares ? Open(measure.Reference!, false) : null;
            foreach (var method in spec.Methods)
            {
                stop.ThrowIfCancellationRequested();
                using var pictures = Open(method.Pictures!, column.Captioned);
                var key = TableCells.Key(column.Identity, reference is null ? [pictures] : [pictures, reference]);
                var isMine = numbers.Count % Shard.Of == Shard.Index - 1;
                numbers.Add((method.Name, measure.Title, key));
                if (!isMine) continue;
                var found = store.Find(key);
                if (found is null) store.Save(key, found = Measured(column, measure, pictures, reference, stop));
                OnCell?.Invoke(method.Name, found[0].Measure, numbers.Count, spec.Measures.Count * spec.Methods.Count);
            }
        }

        // After all of its own: the shard that ends last finds those of the others.
        List<TableCell> cells = [];
        var missing = 0;
        foreach (var (method, title, key) in numbers)
        {
            if (store.Find(key) is { } found) cells.AddRange(found.Select(cell => cell with { Method = method, Measure = title is null ? cell.Measure : found.Count == 1 ? title : $"{title}: {cell.Measure}" }));
            else missing++;
        }

        if (cells.GroupBy(cell => (cell.Method, cell.Measure)).FirstOrDefault(same => same.Count() > 1) is { } twice) throw new InvalidDataException($"two measures are called '{twice.Key.Measure}'; give one of them a \"title\"");
        return missing == 0 ? (new(spec, cells), 0) : (null, missing);
    }

    /// <summary>Refuses a measure that is not there or lacks what it compares with; opens nothing.</summary>
    public static void Check(TableSpec spec)
    {
        foreach (var measure in spec.Measures) TableColumn.Check(measure);
    }

    private TableColumn Column(TableMeasure measure) => PairKind.Find(measure.Metric) is { } kind ? new PairColumn(kind, measure, LeftOut)
        : new MetricColumn(measure, Load(measure, TableColumn.Kind(measure)), Cache, extraction => new(extraction) { Halves = Halves, OnUnreadable = LeftOut, OnProgress = OnProgress });

    private void LeftOut(string line) => OnNote?.Invoke($"left out: {line}");

    private IReadOnlyList<TableCell> Measured(TableColumn column, TableMeasure measure, PictureSource pictures, PictureSource? reference, CancellationToken stop)
    {
        var result = column.Measure(pictures, reference, stop);
        foreach (var warning in result.Warnings) OnNote?.Invoke($"{pictures.Path}: {warning}");
        string Name(string figure) => $"{figure}{(measure.Pairs == true ? ", of pairs" : "")}{(measure.As is null ? "" : $", as {measure.As}")}";
        return [.. result.Figures.Select((figure, i) => new TableCell("", Name(figure.Name), figure.Value, figure.Interval?.Low, figure.Interval?.High, result.Pictures, result.Reference, result.Unreadable.Count, column.HigherIsBetter) { Scores = i == 0 ? result.Scores : null })];
    }
}
