using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>Retrieval accuracy: the rank of the right answer of each question, 0 the best. Of equal scores the lower index comes first.</summary>
/// <param name="Images">For every caption, the rank of its picture among all.</param>
/// <param name="Texts">For every picture, the best rank of one of its captions among all.</param>
public sealed record RetrievalRanks(IReadOnlyList<int> Images, IReadOnlyList<int> Texts)
{
    /// <summary>Image retrieval, IR@k: the share of captions whose picture is among the first k.</summary>
    public double ImageRecall(int k) => Images.Count(rank => rank < k) / (double)Images.Count;

    /// <summary>Text retrieval, TR@k: the share of pictures one of whose captions is among the first k.</summary>
    public double TextRecall(int k) => Texts.Count(rank => rank < k) / (double)Texts.Count;
}

/// <summary>
/// Image and text retrieval over captioned pictures (Karpathy's splits of COCO and Flickr30k; LAION-AI/CLIP_benchmark, metrics/zeroshot_retrieval.py). With five captions a picture TR@k counts a hit of
/// any of them; counting captions instead is a common mistake.
/// </summary>
public sealed record RetrievalRecall : IMetric
{
    public IReadOnlyList<int> Ks { get; init; } = [1, 5, 10];

    /// <summary>Parts of the pictures, in order, each a test of its own, whose recalls are averaged: 5 for the 1k test of COCO's 5k.</summary>
    public int Folds { get; init; } = 1;

    public string Name => $"IR@{Ks[0]}";
    public MetricInputs Inputs => MetricInputs.Pictures | MetricInputs.References;
    public bool HigherIsBetter => true;

    public IReadOnlyList<Figure> Measure(MetricData data)
    {
        var images = MetricData.Of(data.Pictures, "pictures");
        if (data.References is not { } captions) throw new ArgumentException("retrieval was given no captions");
        var folds = Enumerable.Range(0, Folds).Select(fold => Fold(images, captions.Rows, captions.Picture, fold)).ToArray();
        return [.. Ks.Select(k => new Figure($"IR@{k}", folds.Average(ranks => ranks.ImageRecall(k)))), .. Ks.Select(k => new Figure($"TR@{k}", folds.Average(ranks => ranks.TextRecall(k))))];
    }

    private RetrievalRanks Fold(FeatureRows images, FeatureRows texts, IReadOnlyList<int> imageOfText, int fold)
    {
        if (Folds == 1) return Ranks(images, texts, imageOfText);
        var (from, to) = ((int)((long)images.Count * fold / Folds), (int)((long)images.Count * (fold + 1) / Folds));
        int[] rows = [.. Enumerable.Range(0, texts.Count).Where(row => imageOfText[row] >= from && imageOfText[row] < to)];
        return Ranks(images.Subset([.. Enumerable.Range(from, to - from)]), texts.Subset(rows), [.. rows.Select(row => imageOfText[row] - from)]);
    }

    /// <summary>From embeddings of any length: [pictures, d] and [captions, d].</summary>
    public static RetrievalRanks Ranks(FeatureRows images, FeatureRows texts, IReadOnlyList<int> imageOfText)
    {
        if (images.Width != texts.Width || texts.Count != imageOfText.Count || imageOfText.Any(image => image < 0 || image >= images.Count)) throw new ArgumentException($"retrieval: {images.Count} pictures of {images.Width} numbers, {texts.Count} captions of {texts.Width}, {imageOfText.Count} numbers of pictures");
        var rightOf = RightOf(imageOfText, images.Count);
        var byText = new int[texts.Count];
        var byImage = new int[images.Count];
        texts.Blocks((rows, at) => RanksOf(rows, images, byText, at, text => [imageOfText[text]]), 256);
        images.Blocks((rows, at) => RanksOf(rows, texts, byImage, at, image => rightOf[image]), 256);
        return new(byText, byImage);
    }

    /// <summary>From scores at hand, [captions, pictures].</summary>
    public static RetrievalRanks Ranks(Tensor scores, IReadOnlyList<int> imageOfText)
    {
        using var scope = new TensorScope();
        var rightOf = RightOf(imageOfText, (int)scores.Size(1));
        return new(
            [.. Enumerable.Range(0, (int)scores.Size(0)).Select(text => RankOf<double>(Row(scores, text), [imageOfText[text]]))],
            [.. Enumerable.Range(0, (int)scores.Size(1)).Select(image => RankOf<double>(Row(scores.T(), image), rightOf[image]))]);
    }

    /// <summary>How many scores come before the best of the right ones: those above it, and equal ones of a lower index.</summary>
    internal static int RankOf<T>(ReadOnlySpan<T> scores, IReadOnlyList<int> right) where T : System.Numerics.INumber<T>
    {
        var best = right[0];
        foreach (var one in right) if (scores[one] > scores[best] || (scores[one] == scores[best] && one < best)) best = one;
        var rank = 0;
        for (var i = 0; i < scores.Length; i++) if (scores[i] > scores[best] || (scores[i] == scores[best] && i < best)) rank++;
        return rank;
    }

    private static double[] Row(Tensor scores, int row) => scores.Select(0, row).Contiguous().To(DType.Float64).ToArray<double>();

    private static IReadOnlyList<int>[] RightOf(IReadOnlyList<int> imageOfText, int images)
    {
        var right = new List<int>[images];
        for (var text = 0; text < imageOfText.Count; text++) (right[imageOfText[text]] ??= []).Add(text);
        var bare = Array.IndexOf(right, null);
        return bare < 0 ? right : throw new ArgumentException($"retrieval: picture {bare + 1} has no caption");
    }

    private static void RanksOf(Tensor rows, FeatureRows candidates, int[] ranks, int at, Func<int, IReadOnlyList<int>> right)
    {
        var (n, all) = ((int)rows.Size(0), new double[rows.Size(0) * candidates.Count]);
        candidates.Blocks((others, from) =>
        {
            var (width, scores) = ((int)others.Size(0), Cosines.OfAll(rows, others).ToArray<double>());
            for (var i = 0; i < n; i++) scores.AsSpan(i * width, width).CopyTo(all.AsSpan(i * candidates.Count + from));
        });
        for (var i = 0; i < n; i++) ranks[at + i] = RankOf<double>(all.AsSpan(i * candidates.Count, candidates.Count), right(at + i));
    }
}
