using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;

namespace Obverse.Evaluation;

/// <summary>A measure of a table, ready to measure: a metric over a network's features, or a distance of pictures in pairs.</summary>
internal abstract class TableColumn : IDisposable
{
    /// <summary>All that its numbers depend on beside the pictures.</summary>
    public abstract string Identity { get; }

    public abstract bool HigherIsBetter { get; }

    /// <summary>Whether pictures want captions.</summary>
    public virtual bool Captioned => false;

    /// <summary>Whether it compares with real pictures.</summary>
    public virtual bool Compares => true;

    public abstract SetResult Measure(PictureSource pictures, PictureSource? reference, CancellationToken stop);

    public virtual void Dispose()
    {
    }

    /// <summary>Refuses what has no such measure, or lacks what it compares with; loads nothing.</summary>
    public static void Check(TableMeasure measure)
    {
        var compares = PairKind.Find(measure.Metric) is not null || Kind(measure).Create(Settings(measure)).Inputs.HasFlag(MetricInputs.Reference);
        if (compares && measure.Reference is null) throw new ArgumentException($"{measure.Metric} compares with real pictures: give the measure a \"reference\"");
        if (compares && !Path.Exists(measure.Reference)) throw new FileNotFoundException($"{measure.Reference}: no such set of real pictures");
        if (PairKind.Find(measure.Metric) is { Of: null } && (measure.Network is null || measure.Heads is null)) throw new ArgumentException($"{measure.Metric} wants its weights: give the measure a \"network\" (the backbone's file) and \"heads\" (its own)");
        if (measure.Pairs == true && measure.Metric is not ("clip-i" or "dino")) throw new ArgumentException($"{measure.Metric}: \"pairs\" is for clip-i and dino");
    }

    public static MetricKind Kind(TableMeasure measure) => MetricKind.All.FirstOrDefault(kind => kind.Name == measure.Metric) ?? throw new ArgumentException($"no metric '{measure.Metric}'; there are {string.Join(", ", [.. MetricKind.All.Select(kind => kind.Name), .. PairKind.All.Select(kind => kind.Name)])}");

    public static MetricSettings Settings(TableMeasure measure) => new()
    {
        As = Kind(measure).Library(measure.As), Neighbours = measure.Neighbours, Subsets = measure.Subsets, SubsetSize = measure.SubsetSize, Splits = measure.Splits, Folds = measure.Folds, Pairs = measure.Pairs == true,
    };
}

/// <summary>A metric of <see cref="MetricKind"/>.</summary>
internal sealed class MetricColumn(TableMeasure measure, FeatureNetwork network, string? cache, Func<FeatureExtraction, SetEvaluation> evaluation) : TableColumn
{
    private readonly IMetric metric = Kind(measure).Create(Settings(measure));
    private readonly FeatureExtraction extraction = new(network, cache);

    public override string Identity => $"{metric} {measure.As} {evaluation(extraction).Halves} {Resampling.Resamples} {network.Key}";
    public override bool HigherIsBetter => metric.HigherIsBetter;
    public override bool Captioned => (metric.Inputs & (MetricInputs.Captions | MetricInputs.References)) != 0;
    public override bool Compares => metric.Inputs.HasFlag(MetricInputs.Reference);

    public override SetResult Measure(PictureSource pictures, PictureSource? reference, CancellationToken stop)
    {
        if (measure.Pairs == true && reference is not null) (pictures, reference, _) = PairKind.Paired(pictures, reference);
        return evaluation(extraction).Measure(metric, pictures, reference, stop);
    }

    public override void Dispose()
    {
        extraction.Dispose();
        network.Dispose();
    }
}

/// <summary>A distance of <see cref="PairKind"/>; LPIPS by the measure's files.</summary>
internal sealed class PairColumn(PairKind kind, TableMeasure measure, Action<string>? onUnreadable) : TableColumn
{
    private readonly LpipsNetwork net = kind.Of is not null ? default : Enum.TryParse<LpipsNetwork>(measure.Net ?? "alex", ignoreCase: true, out var named) ? named : throw new ArgumentException($"lpips: \"net\": '{measure.Net}' was given; alex, vgg or squeeze was wanted");
    private Lpips? loaded;

    public override string Identity => kind.Of is not null ? kind.Name : $"{kind.Name} {net} {StoredFile.Hash(measure.Network!)} {StoredFile.Hash(measure.Heads!)}";
    public override bool HigherIsBetter => kind.HigherIsBetter;

    public override SetResult Measure(PictureSource pictures, PictureSource? reference, CancellationToken stop) =>
        PairEvaluation.Measure(kind.TitleOf(kind.Of is null ? net : null), kind.Of ?? PairKind.Lpips(loaded ??= Lpips.Load(net, measure.Network!, measure.Heads!)), pictures, reference!, onUnreadable, stop: stop);

    public override void Dispose() => loaded?.Dispose();
}
