namespace Obverse.Evaluation;

/// <summary>
/// CLIPScore (Hessel et al. 2021; jmhessel/clipscore, clipscore.py): 2.5 · max(cosine, 0) per picture, the mean. Its own network is ViT-B/32, and "A photo depicts " stands before every caption
/// (<see cref="Prefix"/>). torchmetrics' number of that name is another one (<see cref="TorchMetricsClipScore"/>).
/// </summary>
public sealed record ClipScore : IMetric
{
    private const double Weight = 2.5;

    /// <summary>Before every caption, those of people too.</summary>
    public const string Prefix = "A photo depicts ";

    public string Name => "CLIPScore";
    public string CaptionPrefix => Prefix;
    public MetricInputs Inputs => MetricInputs.Captions;
    public bool HigherIsBetter => true;

    public IReadOnlyList<Figure> Measure(MetricData data) => [new(Name, Scores(data).Average())];

    public double[] Scores(MetricData data) => Array.ConvertAll(Cosines.OfPairs(MetricData.Of(data.Pictures, "pictures"), MetricData.Of(data.Captions, "captions")), cosine => Weight * Math.Max(cosine, 0));
}

/// <summary>
/// What torchmetrics calls CLIP score (torchmetrics/multimodal/clip_score.py): 100 times the mean cosine, and 0 where that mean is below it: the mean is clamped, not each picture. Its own network is
/// ViT-L/14, and captions stand as they are.
/// </summary>
public sealed record TorchMetricsClipScore : IMetric
{
    public string Name => "CLIPScore as torchmetrics";
    public MetricInputs Inputs => MetricInputs.Captions;
    public bool HigherIsBetter => true;

    public IReadOnlyList<Figure> Measure(MetricData data) => [new(Name, Math.Max(Scores(data).Average(), 0))];

    public double[] Scores(MetricData data) => new ClipSim().Scores(data);
}
