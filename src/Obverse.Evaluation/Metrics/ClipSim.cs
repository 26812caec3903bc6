namespace Obverse.Evaluation;

/// <summary>CLIPSIM (Wu et al. 2021, GODIVA; spec metrics.md 7.4): 100 times the mean cosine between a picture's embedding and its caption's, the caption as it stands. Name the encoder with it: it favours what drew for that encoder.</summary>
public sealed record ClipSim : IMetric
{
    public string Name { get; init; } = "CLIPSIM";
    public MetricInputs Inputs => MetricInputs.Captions;
    public bool HigherIsBetter => true;

    public IReadOnlyList<Figure> Measure(MetricData data) => [new(Name, Scores(data).Average())];

    public double[] Scores(MetricData data) => Array.ConvertAll(Cosines.OfPairs(MetricData.Of(data.Pictures, "pictures"), MetricData.Of(data.Captions, "captions")), cosine => 100 * cosine);

    /// <summary>The same number by the name that subject-driven papers use; their captions leave out the subject's rare token ("a dog in the jungle"; Ruiz et al. 2023, 4.1).</summary>
    public static ClipSim ClipT { get; } = new() { Name = "CLIP-T" };
}
