using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>A metric's numbers over a set, and all that a reader needs with them.</summary>
/// <param name="Network">That the features are of.</param>
/// <param name="Figures">Named with the network wherever it is not the metric's own.</param>
/// <param name="Pictures">How many were read.</param>
/// <param name="Reference">Of the real set; 0: none.</param>
/// <param name="Unreadable">One line a picture that was left out.</param>
/// <param name="Scores">By the picture's name, where the metric has a value for each.</param>
/// <param name="Warnings">What makes the number doubtful.</param>
public sealed record SetResult(string Network, IReadOnlyList<Measured> Figures, int Pictures, int Reference, IReadOnlyList<string> Unreadable, IReadOnlyDictionary<string, double>? Scores, IReadOnlyList<string> Warnings);

/// <summary>Measures sets of pictures: features through the cache, then the metric over their rows.</summary>
public sealed class SetEvaluation(FeatureExtraction extraction)
{
    public Action<string>? OnUnreadable { get; init; }

    /// <summary>Called with how many pictures of a set are done, and of how many.</summary>
    public Action<int, int>? OnProgress { get; init; }

    /// <summary>Halves for the intervals of numbers of whole sets; 0: none.</summary>
    public int Halves { get; init; } = Resampling.Halves;

    /// <param name="metric">What to measure.</param>
    /// <param name="pictures">The set that is judged.</param>
    /// <param name="reference">The real one, for metrics that compare.</param>
    /// <param name="stop">Features that are done stay cached.</param>
    /// <exception cref="ArgumentException">The metric needs what the sets lack.</exception>
    public SetResult Measure(IMetric metric, PictureSource pictures, PictureSource? reference = null, CancellationToken stop = default)
    {
        var compares = metric.Inputs.HasFlag(MetricInputs.Reference);
        if (compares && reference is null) throw new ArgumentException($"{metric.Name} compares with real pictures: give a second set");
        if (metric.Inputs.HasFlag(MetricInputs.Logits) && extraction.Network.Classes == 0) throw new ArgumentException($"{metric.Name}: {extraction.Network.Name} has no classes; give a network with a classifier");
        if ((metric.Inputs & (MetricInputs.Captions | MetricInputs.References)) != 0) CheckCaptions(metric, pictures);
        var seen = extraction.Of(pictures, OnUnreadable, OnProgress, stop);
        var real = compares ? extraction.Of(reference!, OnUnreadable, OnProgress, stop) : null;
        MustBeEnough(metric, pictures, seen, metric.LeastPictures);
        if (real is not null) MustBeEnough(metric, reference!, real, metric.LeastReference);
        using var scope = new TensorScope();
        var data = Data(metric, pictures, seen, reference, real, stop);
        var figures = Resampling.Measure(metric, data, seen.Rows.Count, real?.Rows.Count ?? 0, halves: Halves);
        var scores = metric.Scores(data);
        return new(extraction.Network.Name, [.. figures.Select(figure => figure with { Name = Title(figure.Name, extraction.Network) })], seen.Rows.Count, real?.Rows.Count ?? 0,
            [.. seen.Unreadable, .. real?.Unreadable ?? []], scores is null ? null : seen.Pictures.Index().ToDictionary(pair => pictures.Pictures[pair.Item].Name, pair => scores[pair.Index]),
            [.. Warnings(metric, seen.Rows, real?.Rows)]);
    }

    /// <summary>Mean and covariance of a set's features: what pytorch-fid's .npz holds.</summary>
    public (FeatureStatistics Statistics, ExtractedFeatures Features) Statistics(Fid metric, PictureSource pictures, CancellationToken stop = default)
    {
        var seen = extraction.Of(pictures, OnUnreadable, OnProgress, stop);
        MustBeEnough(metric, pictures, seen, ((IMetric)metric).LeastPictures);
        return (FeatureStatistics.Of(seen.Rows, metric.FloatMean), seen);
    }

    /// <summary>"FID" over Inception; "FID (pocket-judge)" over anything else.</summary>
    public static string Title(string metric, FeatureNetwork network) =>
        (network is InceptionFeatures && metric is ("FID" or "KID" or "IS")) || (network is DinoFeatures && metric == SubjectSimilarity.Dino.Name) ? metric : $"{metric} ({network.Name})";

    /// <summary>Why a distance between sets is to be doubted; empty where it is not.</summary>
    public static IEnumerable<string> Warnings(IMetric metric, FeatureRows pictures, FeatureRows? reference)
    {
        if (metric is InceptionScore { Splits: var splits } && pictures.Count < 2 * splits) yield return $"{pictures.Count:N0} pictures in {Math.Min(splits, pictures.Count)} splits: a split of one picture scores 1 whatever it shows; fewer splits or more pictures are wanted";
        if (metric is not Fid || reference is null) yield break;
        var fewest = Math.Min(pictures.Count, reference.Count);
        if (fewest < pictures.Width) yield return $"{fewest:N0} pictures for {pictures.Width:N0} features: the distance is biased upward, strongly; compare it at equal N only";
        if (pictures.Count != reference.Count) yield return $"{pictures.Count:N0} and {reference.Count:N0} pictures: compare the distance with others of the same two numbers only";
    }

    private MetricData Data(IMetric metric, PictureSource pictures, ExtractedFeatures seen, PictureSource? reference, ExtractedFeatures? real, CancellationToken stop)
    {
        var data = new MetricData { Pictures = seen.Rows, Reference = real?.Rows };
        SourcePicture Of(int row) => pictures.Pictures[seen.Pictures[row]];
        if (metric.Inputs.HasFlag(MetricInputs.Logits)) data = data with { Logits = extraction.Classes(seen.Rows) };
        var own = metric.Inputs.HasFlag(MetricInputs.Captions);
        if (own) data = data with { Captions = extraction.Of([.. seen.Pictures.Select(i => metric.CaptionPrefix + pictures.Pictures[i].Captions[0])], stop) };
        if (metric.Inputs.HasFlag(MetricInputs.References))
        {
            (int Row, string Text)[] all = [.. Enumerable.Range(0, seen.Rows.Count).SelectMany(row => Of(row).Captions.Skip(own ? 1 : 0).Select(text => (row, text)))];
            data = data with { References = (extraction.Of([.. all.Select(one => metric.CaptionPrefix + one.Text)], stop), [.. all.Select(one => one.Row)]) };
        }

        if (!metric.Inputs.HasFlag(MetricInputs.Subjects)) return data;
        var subjects = new Dictionary<string, int>();
        int Number(string? subject)
        {
            if (!subjects.TryGetValue(subject ?? "", out var number)) subjects[subject ?? ""] = number = subjects.Count;
            return number;
        }

        return data with { Subjects = ([.. seen.Pictures.Select(i => Number(pictures.Pictures[i].Subject))], [.. real!.Pictures.Select(i => Number(reference!.Pictures[i].Subject))]) };
    }

    private void CheckCaptions(IMetric metric, PictureSource pictures)
    {
        if (!extraction.Network.ReadsTexts) throw new ArgumentException($"{metric.Name}: {extraction.Network.Name} reads no texts; a CLIP is wanted");
        var wanted = metric.Inputs.HasFlag(MetricInputs.Captions) && metric.Inputs.HasFlag(MetricInputs.References) ? 2 : 1;
        SourcePicture[] bare = [.. pictures.Pictures.Where(picture => picture.Captions.Count < wanted)];
        if (bare.Length > 0) throw new ArgumentException($"{pictures.Path}: {bare.Length:N0} of {pictures.Pictures.Count:N0} pictures have no {(wanted == 2 ? "second " : "")}caption, such as {bare[0].Name}; {metric.Name} wants one each (captions.jsonl)");
    }

    private static void MustBeEnough(IMetric metric, PictureSource set, ExtractedFeatures seen, int least)
    {
        if (seen.Rows.Count == 0) throw new InvalidDataException($"{set.Path}: none of its {set.Pictures.Count:N0} pictures can be read; {seen.Unreadable[0]}");
        if (seen.Rows.Count < least) throw new ArgumentException($"{set.Path}: {seen.Rows.Count:N0} {(seen.Rows.Count == 1 ? "picture" : "pictures")}; {metric.Name} wants at least {least}");
    }
}
