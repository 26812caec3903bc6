namespace Obverse.Evaluation;

/// <summary>What a metric reads.</summary>
[Flags]
public enum MetricInputs
{
    None = 0,

    /// <summary>Pooled features of the pictures that are judged.</summary>
    Pictures = 1,

    /// <summary>The same of a second, real set.</summary>
    Reference = 2,

    /// <summary>Class scores of the pictures, before the softmax.</summary>
    Logits = 4,

    /// <summary>CLIP embeddings of the pictures and of a caption each.</summary>
    Captions = 8,

    /// <summary>Further captions a picture, people's own.</summary>
    References = 16,

    /// <summary>The subject that each picture shows, of both sets.</summary>
    Subjects = 32,
}

/// <summary>A number of a metric; <see cref="Deviation"/> where its definition has one (KID over subsets, IS over splits).</summary>
public sealed record Figure(string Name, double Value, double? Deviation = null);

/// <summary>
/// A measure of pictures, one a file. It names itself and what it reads; <see cref="MetricData"/> gives it rows in blocks, so that the size of a set does not show in memory.
/// </summary>
public interface IMetric
{
    /// <summary>As tables have it: "FID". A network that is not the metric's own is added: "FID (pocket-judge)".</summary>
    string Name { get; }

    MetricInputs Inputs { get; }

    /// <summary>Whether larger values are better.</summary>
    bool HigherIsBetter { get; }

    /// <summary>Between what its first number lies by definition; an interval ends there.</summary>
    (double Least, double Most) Range => (double.NegativeInfinity, double.PositiveInfinity);

    /// <summary>Fewest pictures that it is defined for.</summary>
    int LeastPictures => 1;

    /// <summary>The same of the real set.</summary>
    int LeastReference => LeastPictures;

    /// <summary>What stands before every caption that it is given.</summary>
    string CaptionPrefix => "";

    /// <summary>What intervals over halves are taken of, where the metric itself would take too long twenty times.</summary>
    IMetric OfHalves => this;

    /// <summary>Its numbers, the first of them the one that tables show.</summary>
    IReadOnlyList<Figure> Measure(MetricData data);

    /// <summary>A value per picture whose mean is the first number; null where it is one of whole sets only.</summary>
    double[]? Scores(MetricData data) => null;

    /// <summary>Values whose mean is the first number, and which are independent: what is resampled for its interval. Those of pictures, unless subjects are.</summary>
    IReadOnlyList<double>? Units(MetricData data) => Scores(data);
}

/// <summary>What a metric is given; <see cref="Of"/> names what is missing.</summary>
public sealed record MetricData
{
    public FeatureRows? Pictures { get; init; }
    public FeatureRows? Reference { get; init; }
    public FeatureRows? Logits { get; init; }

    /// <summary>A row per picture: the embedding of its caption.</summary>
    public FeatureRows? Captions { get; init; }

    /// <summary>Embeddings of people's captions, and the picture that each belongs to.</summary>
    public (FeatureRows Rows, IReadOnlyList<int> Picture)? References { get; init; }

    /// <summary>The subject of every picture, and of every picture of the reference.</summary>
    public (IReadOnlyList<int> Pictures, IReadOnlyList<int> Reference)? Subjects { get; init; }

    /// <exception cref="ArgumentException">The caller left it out.</exception>
    public static T Of<T>(T? value, string what) where T : class => value ?? throw new ArgumentException($"the metric was given no {what}");

    /// <summary>The same of some of the pictures, and of some of the reference; what belongs to them goes along.</summary>
    public MetricData Subset(IReadOnlyList<int> pictures, IReadOnlyList<int>? reference = null)
    {
        IReadOnlyList<int> Some(IReadOnlyList<int> of, IReadOnlyList<int>? rows) => rows is null ? of : [.. rows.Select(row => of[row])];
        (FeatureRows, IReadOnlyList<int>)? references = null;
        if (References is { } all)
        {
            var of = all.Picture.Index().ToLookup(pair => pair.Item, pair => pair.Index);
            (int Row, int Picture)[] rows = [.. pictures.Index().SelectMany(at => of[at.Item].Select(row => (row, at.Index)))];
            references = (all.Rows.Subset([.. rows.Select(r => r.Row)]), [.. rows.Select(r => r.Picture)]);
        }

        return new()
        {
            Pictures = Pictures?.Subset(pictures), Logits = Logits?.Subset(pictures), Captions = Captions?.Subset(pictures), References = references,
            Reference = reference is null ? Reference : Reference?.Subset(reference),
            Subjects = Subjects is { } s ? (Some(s.Pictures, pictures), Some(s.Reference, reference)) : null,
        };
    }
}
