using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>Texts to embeddings: [n] strings to [n, D], not normalised.</summary>
public delegate Tensor TextEmbedder(IReadOnlyList<string> texts);

/// <summary>Top-1 and top-5 accuracy over <see cref="Count"/> pictures.</summary>
public readonly record struct TopAccuracy(double Top1, double Top5, int Count)
{
    public override string ToString() => FormattableString.Invariant($"{Top1:P1} / {Top5:P1} of {Count:N0}");
}

/// <summary>A zero-shot classifier from text embeddings (Radford et al. 2021; open_clip, zero_shot_classifier.py).</summary>
public static class ZeroShot
{
    /// <summary>For every name the normalised mean of its normalised embeddings through the templates: [names, D]. <c>{}</c> stands for the name.</summary>
    public static Tensor Classifier(TextEmbedder embed, IReadOnlyList<string> names, IReadOnlyList<string> templates)
    {
        if (templates.FirstOrDefault(template => !template.Contains("{}", StringComparison.Ordinal)) is { } without) throw new ArgumentException($"the template '{without}' has no {{}} for the name");
        using var still = new NoGrad();
        return TensorScope.Of(() =>
        {
            List<Tensor> rows = [];
            const int Names = 16; // at once, times the templates
            for (var at = 0; at < names.Count; at += Names)
            {
                var some = names.Skip(at).Take(Names).ToArray();
                rows.Add(TensorScope.Of(() => embed([.. some.SelectMany(name => templates.Select(t => ImageNetTemplates.Fill(t, name)))])
                    .Normalized().Reshape(some.Length, templates.Count, -1).Mean(1).Normalized()));
            }

            return Tensor.Cat(rows);
        });
    }

    /// <summary>How often a right row of <paramref name="classifier"/> is nearest by cosine, and among the five nearest.</summary>
    /// <param name="embeddings">[n, D], of any length.</param>
    /// <param name="classifier">[classes, D].</param>
    /// <param name="right">For every picture the rows that count as right.</param>
    public static TopAccuracy Accuracy(Tensor embeddings, Tensor classifier, IReadOnlyList<IReadOnlyList<int>> right)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        var n = right.Count;
        if (embeddings.Size(0) != n) throw new ArgumentException($"zero-shot: {embeddings.Size(0)} embeddings given, right answers for {n}");
        var ranks = Ranks(embeddings.Normalized().Matmul(classifier.Normalized().T()), right);
        return new(Share(ranks, 1), Share(ranks, 5), n);
    }

    /// <summary>The rank of the best right answer of every row of scores, [n, classes], 0 the best; of equal scores the lower class comes first.</summary>
    public static int[] Ranks(Tensor scores, IReadOnlyList<IReadOnlyList<int>> right)
    {
        var (classes, all) = ((int)scores.Size(1), scores.ToFloats());
        return [.. right.Select((answers, i) => RetrievalRecall.RankOf<float>(all.AsSpan(i * classes, classes), answers))];
    }

    /// <summary>Accuracy@k: the share of ranks below k.</summary>
    public static double Share(IReadOnlyList<int> ranks, int k) => ranks.Count(rank => rank < k) / (double)ranks.Count;
}
