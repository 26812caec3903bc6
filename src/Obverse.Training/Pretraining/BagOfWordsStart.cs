using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// An analytic start for a text tower, as <see cref="AnalyticProjection"/> is one for the image side: every token gets the vector whose sum over a string is nearest to
/// what the teacher says of that string; the first block passes the mean of the tokens on to the end token; the projection is the ridge map from there to the targets.
/// What a bag of words can know is then known before the first step, and training is left with what order and company change.
/// </summary>
public static class BagOfWordsStart
{
    private const int Batch = 4096;

    // Two coordinates of every token hold ±Steady, so that the layer norm before attention divides all tokens by nearly the same length: an article stays faint.
    private const double Steady = 4, Gain = 5, Quiet = 0.1, Ridge = 1e-2;

    /// <param name="weights">Those of <paramref name="text"/>, by open_clip's names; changed in place.</param>
    /// <param name="text">A new tower, at least two wider than the teacher's embeddings.</param>
    /// <param name="rows">Texts to token rows with start and end.</param>
    /// <param name="lessons">What is learned from.</param>
    /// <param name="anchors">[classes, D].</param>
    /// <param name="seed">Decides the order of the fit.</param>
    /// <param name="epochs">Times round all lessons.</param>
    /// <returns>Mean cosine of the bags to the teacher's embeddings over the strings that were set aside.</returns>
    public static double Give(Weights weights, TextTransformer text, Func<string, int[]> rows, TextLessons lessons, Tensor anchors, ulong seed, int epochs = 8)
    {
        using var scope = new TensorScope();
        TextLesson[] all = [.. lessons.Strings, .. lessons.Glosses, .. lessons.Names, .. lessons.Definitions];
        var bags = all.Select(lesson => rows(lesson.Text)).ToArray();
        var d = lessons.Teacher.Embeddings.Size(1);
        if (text.Config.Width < d + 2) throw new ArgumentException($"bag-of-words start: the text tower is {text.Config.Width} wide, wanted {d + 2} at least for a teacher of {d}");
        var vectors = Fit(all, bags, lessons.Teacher.Embeddings, text.Config.VocabularySize, seed, epochs);
        using var still = new NoGrad();
        var aside = lessons.Development;
        var cosine = aside.Count == 0 ? double.NaN : (Sum(vectors, [.. aside.Select(lesson => rows(lesson.Text))]).Normalized() * Meanings(lessons.Teacher.Embeddings, aside)).Sum(1).Mean().Item();

        // Rows are scaled so that a token that means something has a length of about one.
        var used = vectors.Norm(1);
        var unit = used.Sum().Item() / Math.Max(1, used.NotEqualTo(0).To(DType.Float32).Sum().Item());
        Place(weights, text.Config, vectors * (1 / unit), d);
        Project(weights, text, all, bags, lessons, anchors);
        return cosine;
    }

    private static Tensor Fit(TextLesson[] lessons, int[][] bags, Tensor meanings, int vocabulary, ulong seed, int epochs)
    {
        var vectors = Tensor.Zeros([vocabulary, meanings.Size(1)]);
        var sampler = new ShuffledSampler(lessons.Length, seed, 200);
        using (new NoGrad())
        {
            // Each token begins as the mean of what its strings mean.
            for (var at = 0; at < lessons.Length; at += Batch)
            {
                using var part = new TensorScope();
                var some = Enumerable.Range(at, Math.Min(Batch, lessons.Length - at)).ToArray();
                var (ids, owners) = Flat([.. some.Select(i => bags[i])]);
                vectors.AddRowsInPlace(ids, Meanings(meanings, [.. some.Select(i => lessons[i])]).IndexSelect(0, owners));
            }

            vectors.CopyInPlace(vectors.Normalized());
        }

        vectors.RequiresGrad = true;
        using var optimizer = new Adam([new("vectors", [vectors], 0.02)]);
        var batch = Math.Min(Batch, lessons.Length);
        var steps = epochs * (lessons.Length + batch - 1) / batch;
        for (var step = 0; step < steps; step++)
        {
            using var part = new TensorScope();
            optimizer.Groups[0].Rate = 0.02 * LearningRate.WarmupCosine(step, steps, 5);
            var some = sampler.Batch(step, batch);
            var loss = 1 - (Sum(vectors, [.. some.Select(i => bags[i])]).Normalized() * Meanings(meanings, [.. some.Select(i => lessons[i])])).Sum(1).Mean();
            optimizer.ZeroGrad();
            loss.Backward();
            optimizer.Step();
        }

        vectors.Grad = null;
        vectors.RequiresGrad = false;
        return vectors;
    }

    private static Tensor Meanings(Tensor embeddings, IReadOnlyList<TextLesson> lessons) => embeddings.IndexSelect(0, Tensor.From([.. lessons.Select(lesson => (long)lesson.Row)], lessons.Count));

    // The sum of the tokens' vectors: [strings, d].
    private static Tensor Sum(Tensor vectors, int[][] bags)
    {
        var (ids, owners) = Flat(bags);
        return Tensor.Zeros([bags.Length, vectors.Size(1)]).AddRowsInPlace(owners, vectors.IndexSelect(0, ids));
    }

    private static (Tensor Ids, Tensor Owners) Flat(int[][] bags)
    {
        long[] ids = [.. bags.SelectMany(bag => bag.Select(id => (long)id))], owners = [.. bags.SelectMany((bag, i) => Enumerable.Repeat((long)i, bag.Length))];
        return (Tensor.From(ids, ids.Length), Tensor.From(owners, owners.Length));
    }

    private static void Place(Weights weights, TextConfig config, Tensor vectors, long d)
    {
        var w = config.Width;
        var table = weights.All["token_embedding.weight"];
        table.Narrow(1, 0, d).CopyInPlace(vectors);
        table.Narrow(1, d, 1).FillInPlace(Steady);
        table.Narrow(1, d + 1, 1).FillInPlace(-Steady);
        for (var i = 0; i < config.Layers; i++)
        {
            var block = $"transformer.resblocks.{i}.";
            weights.All[block + "attn.out_proj.weight"].MulInPlace(Quiet);
            weights.All[block + "mlp.c_proj.weight"].MulInPlace(Quiet);
        }

        // Block 0: values are the tokens' vectors, and the end token takes their mean; queries and keys, left as they are drawn, are nearly even.
        var (values, output) = (weights.All["transformer.resblocks.0.attn.in_proj_weight"].Narrow(0, 2 * w, w), weights.All["transformer.resblocks.0.attn.out_proj.weight"]);
        values.Narrow(0, 0, d).CopyInPlace(Tensor.Eye(w).Narrow(0, 0, d));
        output.Narrow(0, 0, d).CopyInPlace(Tensor.Eye(w).Narrow(0, 0, d) * Gain);
    }

    private static void Project(Weights weights, TextTransformer text, TextLesson[] lessons, int[][] bags, TextLessons all, Tensor anchors)
    {
        var (w, unit) = (text.Config.Width, anchors.Normalized());
        Tensor hh = Tensor.Eye(w) * 0, ht = Tensor.Zeros([w, unit.Size(1)]);
        var order = Enumerable.Range(0, lessons.Length).Where(i => i % 8 == 0 || lessons[i].Class >= 0).OrderBy(i => bags[i].Length).ToArray();
        foreach (var some in order.Chunk(256))
        {
            using var part = new TensorScope();
            var longest = bags[some[^1]].Length;
            var ids = new long[some.Length * longest];
            for (var r = 0; r < some.Length; r++) bags[some[r]].Select(id => (long)id).ToArray().CopyTo(ids, r * longest);
            var row = Tensor.From(ids, some.Length, longest);
            var hidden = text.Pool(text.Hidden(row), text.Ends(row)); // [n, w]
            TextLesson[] taught = [.. some.Select(i => lessons[i])];
            var target = all.Teacher.Targets(Meanings(all.Teacher.Embeddings, taught), unit).Normalized();
            var exact = unit.IndexSelect(0, Tensor.From([.. taught.Select(lesson => (long)Math.Max(0, lesson.Class))], taught.Length));
            var isName = Tensor.From([.. taught.Select(lesson => lesson.Class >= 0 ? 1f : 0f)], taught.Length, 1);
            var goal = target * (1 - isName) + exact * isName;
            var weighted = hidden * (isName * 9 + 1); // names are few, and must come out exactly
            hh.AddInPlace(weighted.T().Matmul(hidden));
            ht.AddInPlace(weighted.T().Matmul(goal));
        }

        weights.All["text_projection"].CopyInPlace((hh + Tensor.Eye(w) * (hh.Diagonal().Mean() * Ridge)).Solve(ht));
    }
}
