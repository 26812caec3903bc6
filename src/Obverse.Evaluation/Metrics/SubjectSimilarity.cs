namespace Obverse.Evaluation;

/// <summary>
/// CLIP-I and DINO (Ruiz et al. 2023, 4.1; spec metrics.md 7.5, 7.6): 100 times the mean cosine over all pairs of a drawn and a real picture of one subject, then over subjects. CLIP-I's own network
/// is ViT-B/32, DINO's ViT-S/16.
/// </summary>
public sealed record SubjectSimilarity : IMetric
{
    public string Name { get; init; } = "CLIP-I";

    /// <summary>Each picture is a subject of its own (<see cref="PairKind.Paired"/>): there is a value a picture.</summary>
    public bool Pairs { get; init; }

    public MetricInputs Inputs => MetricInputs.Pictures | MetricInputs.Reference | MetricInputs.Subjects;
    public bool HigherIsBetter => true;

    public static SubjectSimilarity ClipI { get; } = new();
    public static SubjectSimilarity Dino { get; } = new() { Name = "DINO" };

    public IReadOnlyList<Figure> Measure(MetricData data) => [new(Name, PerSubject(data).Select(pair => pair.Value).Average())];

    public double[]? Scores(MetricData data) => Pairs && PerSubject(data) is var all && all.Count == data.Pictures!.Count ? [.. all.Select(pair => pair.Value)] : null;

    public IReadOnlyList<double> Units(MetricData data) => [.. PerSubject(data).Select(pair => pair.Value)];

    /// <summary>In the order of the subjects' numbers; a subject that one of the sets lacks is left out.</summary>
    public IReadOnlyList<(int Subject, double Value)> PerSubject(MetricData data)
    {
        var (drawn, real) = (MetricData.Of(data.Pictures, "pictures"), MetricData.Of(data.Reference, "reference pictures"));
        var (ofDrawn, ofReal) = data.Subjects ?? ((IReadOnlyList<int>)new int[drawn.Count], new int[real.Count]); // one subject
        int[] RowsOf(IReadOnlyList<int> subjects, int subject) => [.. subjects.Index().Where(pair => pair.Item == subject).Select(pair => pair.Index)];
        (int, double)[] values = [.. ofDrawn.Intersect(ofReal).Order().Select(subject => (subject, Mean(drawn.Subset(RowsOf(ofDrawn, subject)), real.Subset(RowsOf(ofReal, subject)))))];
        return values.Length > 0 ? values : throw new ArgumentException($"{Name}: the two sets have no subject in common");
    }

    private static double Mean(FeatureRows drawn, FeatureRows real)
    {
        var sum = 0.0;
        drawn.Blocks((x, _) => real.Blocks((y, _) => sum += Cosines.OfAll(x, y).Sum().Item()));
        return 100 * sum / ((double)drawn.Count * real.Count);
    }
}
