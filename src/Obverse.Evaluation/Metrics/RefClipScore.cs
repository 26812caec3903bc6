using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>RefCLIPScore (Hessel et al. 2021; jmhessel/clipscore, clipscore.py): per picture the harmonic mean of CLIPScore and of the largest cosine between its caption and people's captions of it.</summary>
public sealed record RefClipScore : IMetric
{
    public string Name => "RefCLIPScore";
    public string CaptionPrefix => ClipScore.Prefix;
    public MetricInputs Inputs => MetricInputs.Captions | MetricInputs.References;
    public bool HigherIsBetter => true;

    public IReadOnlyList<Figure> Measure(MetricData data) => [new(Name, Scores(data).Average())];

    public double[] Scores(MetricData data)
    {
        var best = Best(data);
        return [.. new ClipScore().Scores(data).Zip(best, (score, text) => score > 0 && text > 0 ? 2 * score * text / (score + text) : 0)];
    }

    private static double[] Best(MetricData data)
    {
        var captions = MetricData.Of(data.Captions, "captions");
        if (data.References is not { } references) throw new ArgumentException("RefCLIPScore was given no reference captions");
        var best = Enumerable.Repeat(double.NegativeInfinity, captions.Count).ToArray();
        references.Rows.Blocks((rows, at) =>
        {
            int[] pictures = [.. references.Picture.Skip(at).Take((int)rows.Size(0))];
            var cosines = Cosines.OfPairs(FeatureRows.Of(captions.Read(pictures)), FeatureRows.Of(rows));
            for (var i = 0; i < cosines.Length; i++) best[pictures[i]] = Math.Max(best[pictures[i]], cosines[i]);
        });
        var bare = Array.IndexOf(best, double.NegativeInfinity);
        return bare < 0 ? best : throw new ArgumentException($"RefCLIPScore: picture {bare + 1} has no reference caption");
    }
}
