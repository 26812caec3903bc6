using Obverse.Evaluation;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Training;

public class PretrainingTests
{
    private const int Dim = 6;
    private static readonly string[] things = ["cat", "dog", "car", "boat", "apple", "pear", "house", "tree"];

    [Fact]
    public void Analytic_projection_keeps_the_ranking_of_the_classifier()
    {
        using var scope = new TensorScope();
        using var random = new Generator(1);
        var (classifier, features) = (random.Normal(40, 64), random.Normal(200, 64) + 0.5);
        var mean = features.Mean(0);
        using var whole = AnalyticProjection.From(classifier, mean, 39);
        // 40 centred rows have rank 39, so nothing is lost: products are the centred scores.
        var scores = (features - mean).Matmul((classifier - classifier.Mean(0, keep: true)).T());
        var products = features.Linear(whole.Weight, whole.Bias).Matmul(whole.Anchors.T());
        Assert.True((scores - products).Abs().Max().Item() < 1e-3);
        Assert.Equal(scores.Argmax(1).ToArray<long>(), products.Argmax(1).ToArray<long>());

        using var half = AnalyticProjection.From(classifier, mean, 30);
        var fewer = features.Linear(half.Weight, half.Bias).Matmul(half.Anchors.T());
        var agreed = fewer.Argmax(1).EqualTo(scores.Argmax(1)).To(DType.Float32).Mean().Item();
        Assert.True(agreed > 0.6, $"30 of 39 dimensions agree in {agreed:P0}");
    }

    [Fact]
    public void Targets_are_mixtures_of_anchors_and_a_name_is_its_own()
    {
        using var scope = new TensorScope();
        using var teacher = Teacher();
        using var random = new Generator(2);
        var anchors = random.Normal(things.Length, Dim);
        var p = teacher.Classes(teacher.Embeddings);
        Assert.True((p.Sum(1) - 1).Abs().Max().Item() < 1e-5);
        Assert.True((teacher.Targets(teacher.Embeddings, anchors) - p.Matmul(anchors)).Abs().Max().Item() < 1e-5);
        for (var c = 0; c < things.Length; c++) Assert.Equal(c, (int)p[teacher.Find(things[c])!.Value].Argmax(0).Item());
    }

    [Fact]
    public void A_run_stopped_and_taken_up_ends_with_the_same_weights()
    {
        using var folder = new TemporaryFolder();
        using var teacher = Teacher();
        var unbroken = Weights(teacher, Tiny with { Steps = 8 }, null, stopAt: null);
        _ = Weights(teacher, Tiny with { Steps = 8 }, folder.Path, stopAt: 3);
        var broken = Weights(teacher, Tiny with { Steps = 8 }, folder.Path, stopAt: null);
        Assert.Equal(unbroken.Count, broken.Count);
        foreach (var (name, values) in unbroken) Assert.True(values.AsSpan().SequenceEqual(broken[name]), name);
        Assert.Equal(8, File.ReadLines(Path.Combine(folder.Path, "log.csv")).Count() - 1);
    }

    [Fact]
    public void A_checkpoint_of_other_options_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var teacher = Teacher();
        _ = Weights(teacher, Tiny with { Steps = 2 }, folder.Path, stopAt: null);
        var error = Assert.Throws<InvalidDataException>(() => Weights(teacher, Tiny with { Steps = 4, Rate = 1 }, folder.Path, stopAt: null));
        Assert.Contains("checkpoint.safetensors", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_part_of_the_loss_falls()
    {
        using var teacher = Teacher();
        List<PretrainingStep> seen = [];
        _ = Weights(teacher, Tiny with { Steps = 60, LogEvery = 20 }, null, null, seen.Add);
        foreach (var part in (string[])["loss", "target", "teacher", "names", "pairs"])
        {
            Assert.True(seen[^1].Parts[part] < 0.8 * seen[0].Parts[part], $"{part}: {seen[0].Parts[part]:F3} to {seen[^1].Parts[part]:F3}");
        }
    }

    [Fact]
    public void Every_index_is_sampled_once_before_any_comes_again()
    {
        var sampler = new ShuffledSampler(10, 5, 1);
        var first = Enumerable.Range(0, 5).SelectMany(step => sampler.Batch(step, 4)).ToArray();
        Assert.Equal(Enumerable.Range(0, 10), first[..10].Order());
        Assert.Equal(Enumerable.Range(0, 10), first[10..].Order());
        Assert.NotEqual(first[..10], first[10..]);
        Assert.Equal(first[12..16], new ShuffledSampler(10, 5, 1).Batch(3, 4));
        Assert.NotEqual(first[12..16], new ShuffledSampler(10, 6, 1).Batch(3, 4));
    }

    [Fact]
    public void Options_survive_json()
    {
        var options = new ClipPretrainingOptions { Seed = ulong.MaxValue, Steps = 12, Rate = 3e-4, BFloat16 = true, LabelledPhotos = 5 };
        Assert.Equal(options, ClipPretrainingOptions.FromJson(options.ToJson()));
        Assert.Null(ClipPretrainingOptions.FromJson("{}").Steps);
    }

    [SkippableFact]
    public void Everyday_phrases_are_a_hundred_and_the_teacher_says_none_of_them()
    {
        var phrases = PocketClip.HeldOutPhrases();
        Assert.Equal(100, phrases.Count);
        Assert.All(phrases, phrase => Assert.All(phrase.Classes, c => Assert.InRange(c, 0, 999)));
        var strings = Path.Combine(Fixtures.Data, "text-teacher.txt");
        Skip.IfNot(File.Exists(strings), $"no {strings}");
        var taught = File.ReadLines(strings).Select(line => line.ToLowerInvariant()).ToHashSet();
        Assert.All(phrases, phrase => Assert.DoesNotContain(phrase.Text.ToLowerInvariant(), taught));
    }

    [Fact]
    public void Held_out_strings_are_in_no_lesson_and_definitions_find_their_class()
    {
        using var teacher = Teacher();
        Gloss[] nouns =
        [
            new("small furry animal that purrs", ["cat", "house cat"], ["cat"], []), new("a floating vehicle", ["boat"], ["boat"], []),
            new("a sweet fruit", ["plum"], ["plum"], []), new("one that hunts mice", ["mouser"], ["mouser"], ["predator", "cat"]),
        ];
        var lessons = TextLessons.Of(teacher, Classes, nouns, ["A Floating Vehicle", "red cat"]);
        Assert.Equal(("small furry animal that purrs", 0), lessons.Definitions.Select(d => (d.Text, d.Class)).Single());
        Assert.DoesNotContain(lessons.Strings.Concat(lessons.Development), lesson => lesson.Text == "red cat");
        // The teacher knows no plum and no kind of it; a mouser is at least a cat.
        Assert.Equal(("one that hunts mice", teacher.Find("cat")), lessons.Glosses.Select(g => (g.Text, (int?)g.Row)).Single());
        Assert.Equal(things.Length, lessons.Names.Count);
    }

    [Fact]
    public void WordNet_lines_are_read_and_a_word_has_its_first_meaning()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, "index.noun"), "  1 a licence\nbank n 2 0 2 1 00000200 00000100\nlakeside n 1 0 1 0 00000100\n");
        File.WriteAllText(Path.Combine(folder.Path, "data.noun"), "  1 a licence\n00000100 17 n 02 bank 0 lakeside 0 000 | sloping land; \"by the bank\"\n00000200 14 n 01 bank 0 002 #m 00000900 n 0000 @ 00000100 n 0000 | a house for money\n");
        var nouns = WordNet.Nouns(folder.Path);
        Assert.Equal(["sloping land", "a house for money"], nouns.Select(noun => noun.Definition));
        Assert.Equal(["lakeside"], nouns[0].Mainly);
        Assert.Equal(["bank"], nouns[1].Mainly);
        Assert.Equal(["lakeside"], nouns[1].Kinds);
        Assert.Empty(nouns[0].Kinds);
    }

    [Fact]
    public void A_bag_of_words_knows_before_the_first_step_what_its_words_mean()
    {
        using var scope = new TensorScope();
        using var teacher = Teacher();
        var lessons = TextLessons.Of(teacher, Classes);
        var bpe = BpeTrainer.Train(teacher.Strings, 60);
        using var random = new Generator(4);
        var width = (int)teacher.Embeddings.Size(1) + 8;
        using var weights = Obverse.Torch.Weights.New(random);
        var text = new TextTransformer(weights, new() { Width = width, Layers = 2, Heads = width % 4 == 0 ? 4 : 2, MlpWidth = 2 * width, VocabularySize = bpe.VocabularySize, EmbedDim = 12 });
        var anchors = random.Normal(Classes.Count, 12);
        double Agreement()
        {
            using var still = new NoGrad();
            var rows = lessons.Names.Select(name => bpe.EncodeRow(name.Text)).ToArray();
            var e = text.Forward(Tensor.From([.. rows.SelectMany(row => row.Select(id => (long)id))], rows.Length, rows[0].Length)).Normalized();
            return (e * anchors.Normalized().IndexSelect(0, Tensor.From([.. lessons.Names.Select(name => (long)name.Class)], rows.Length))).Sum(1).Mean().Item();
        }

        var before = Agreement();
        BagOfWordsStart.Give(weights, text, line => bpe.EncodeUnpadded(line), lessons, anchors, seed: 1, epochs: 40);
        Assert.True(before < 0.5 && Agreement() > 0.9, $"cosine of names to their anchors: {before:F3} before, {Agreement():F3} after");
    }

    [Fact]
    public void A_vision_transformer_learns_from_nothing()
    {
        using var folder = new TemporaryFolder();
        using var set = ViewTests.Drawings(folder.Path);
        var views = new PictureViews(set, "pocket-clip", 3, new ViewCounts { Drawings = 4, Compositions = 4 });
        var bpe = BpeTrainer.Train(things.Concat(things), 40);
        var config = new ClipConfig
        {
            Vision = new() { ImageSize = 32, PatchSize = 8, Width = 32, Layers = 2, Heads = 2, MlpWidth = 64, EmbedDim = 16 },
            Text = new() { Width = 32, Layers = 1, Heads = 2, MlpWidth = 64, VocabularySize = bpe.VocabularySize, EmbedDim = 16 },
        };
        using var random = new Generator(4);
        using var model = ClipModel.New(config, random);
        var pictures = new RenderedPictures(set, views, 32, x => model.EncodeImage(model.Normalize(x)));
        var options = new ClipPretrainingOptions { Steps = 40, Photos = 0, Drawings = 8, Compositions = 2, PairWeight = 1, Rate = 3e-3, Warmup = 4, LogEvery = 10, Average = 0, LengthGroups = 1 };
        using var training = new ClipPretraining(options, model.Weights, config.Text, bpe, pictures: pictures);
        List<double> losses = [];
        training.Run(progress: step => losses.Add(step.Loss));
        Assert.True(losses[^1] < 0.8 * losses[0], $"{losses[0]:F3} to {losses[^1]:F3}");
    }

    [Fact]
    public void Wordings_come_to_the_embedding_of_the_thing_and_styles_beside_it()
    {
        using var scope = new TensorScope();
        using var teacher = Teacher();
        var lessons = TextLessons.Of(teacher, Classes);
        var bpe = BpeTrainer.Train([.. teacher.Strings, .. Enumerable.Range(0, 300).Select(i => Wordings.Neutral(things[i % things.Length], new Random(i)))], 120);
        var config = new TextConfig { ContextLength = 40, Width = 32, Layers = 1, Heads = 2, MlpWidth = 64, VocabularySize = bpe.VocabularySize, EmbedDim = Dim };
        using var random = Generator.For(3, 1);
        using var weights = Obverse.Torch.Weights.New(random);
        var anchors = random.Normal(things.Length, Dim).Normalized();
        var style = random.Normal(1, Dim).Normalized().Squeeze(0);
        Tensor Start(IReadOnlyList<string> texts) => Tensor.Stack([.. texts.Select(text => anchors[Math.Max(0, Array.FindIndex(things, thing => text.Contains(thing, StringComparison.Ordinal)))])]);
        var wordings = new WordingLessons(new() { Names = 24, Strings = 8, Styles = 8, Glosses = 0 }, Start, lessons, anchors, new Dictionary<string, Tensor> { ["watercolour"] = style });
        var (texts, targets) = wordings.Batch(0, new Random(1));
        Assert.Equal((40, 40L), (texts.Length, targets.Size(0)));
        Assert.True((targets.Norm(1) - 1).Abs().Max().Item() < 1e-5);
        Assert.All(texts[24..32], text => Assert.Matches("watercolou?r|aquarelle", text));

        using var training = new ClipPretraining(Tiny with { Steps = 400, LogEvery = 50, WordingWeight = 4, Photos = 0, Rate = 5e-3 }, weights, config, bpe, lessons, anchors, wordings: wordings);
        training.Run();
        var likeness = TextTuning.Likeness(training.Embed, things);
        Assert.Equal(Wordings.Measured, likeness.Select(row => row.Wording));
        foreach (var row in likeness) Assert.True(row.Cosine > 0.9, $"{row}");
        using var still = new NoGrad();
        var painted = training.Embed([.. things.Select(thing => $"a watercolour of a {thing}")]).Normalized();
        double Cosine(Tensor wanted) => (painted * wanted.Normalized()).Sum(1).Mean().Item();
        Assert.True(Cosine(anchors + style * 0.6) > Cosine(anchors) + 0.03, $"{Cosine(anchors + style * 0.6):F3} to the moved anchors, {Cosine(anchors):F3} to the anchors");
    }

    [Fact]
    public void A_plural_of_the_teacher_means_what_its_singular_means_and_drawings_stay_where_they_were()
    {
        using var scope = new TensorScope();
        string[] strings = ["castle", "castles", "red lamp", "red lamps"];
        using var teacher = TextTeacher.From(strings, Tensor.Eye(4, DType.Float32), [new(0, "n00000000", "castle", ["castle"])]);
        var lessons = TextLessons.Of(teacher, [new(0, "n00000000", "castle", ["castle"])]);
        using var random = new Generator(3);
        var anchors = random.Normal(1, Dim).Normalized();
        List<string> asked = [];
        Tensor Start(IReadOnlyList<string> texts)
        {
            asked.AddRange(texts);
            return random.Normal(texts.Count, Dim);
        }

        PictureEntry drawing = new() { Style = "noto", Concept = "fox", Name = "fox", Names = ["fox"], Label = "fox", Split = PictureSet.Train, Source = "fox", Format = PictureFormat.RgbaDeflate, Width = 1, Height = 1 };
        var wordings = new WordingLessons(new() { Names = 0, Styles = 0, Glosses = 0, Strings = 4, Drawings = 6 }, Start, lessons, anchors, new Dictionary<string, Tensor>(), [drawing]);
        var (texts, targets) = wordings.Batch(0, new Random(2));
        Assert.Equal((10, 10L), (texts.Length, targets.Size(0)));
        Assert.DoesNotContain("castles", asked);
        Assert.DoesNotContain("red lamps", asked);
        Assert.Equal(2, asked.Count(text => text == "red lamp"));
        Assert.Equal(1, (targets[^1] * anchors[0]).Sum().Item(), 5);
        Assert.Equal("castles", texts[^1]);
        Assert.Equal(6, texts.Count(text => text.Contains("fox", StringComparison.Ordinal)));
    }

    private static ClipPretrainingOptions Tiny => new()
    {
        Seed = 3, Strings = 8, Glosses = 0, Names = 8, Photos = 4, Drawings = 0, Compositions = 0, Rate = 1e-2, PairWeight = 0.5, ClassWeight = 0.05, Warmup = 2, LogEvery = 1, LengthGroups = 2, Average = 0.5,
    };

    private static IReadOnlyList<ClassName> Classes { get; } = [.. things.Select((name, i) => new ClassName(i, $"n{i:D8}", name, [name]))];

    // Unit vectors: a name of its own direction, "red" and "old" ones near it.
    private static TextTeacher Teacher()
    {
        string[] strings = [.. things.SelectMany(thing => (string[])[thing, $"red {thing}", $"old {thing}", $"a {thing}"])];
        using var random = new Generator(9);
        var embeddings = TensorScope.Of(() =>
        {
            var own = Tensor.Eye(things.Length, DType.Float32).RepeatInterleave(4, 0);
            var noise = random.Normal(strings.Length, things.Length) * 0.1;
            for (var i = 0; i < strings.Length; i += 4) noise[i] = Tensor.Zeros([things.Length]);
            return (own + noise).Normalized();
        });
        return TextTeacher.From(strings, embeddings, Classes);
    }

    private static Dictionary<string, float[]> Weights(TextTeacher teacher, ClipPretrainingOptions options, string? folder, int? stopAt, Action<PretrainingStep>? progress = null)
    {
        var lessons = TextLessons.Of(teacher, Classes);
        var bpe = BpeTrainer.Train(teacher.Strings, 30);
        var config = new TextConfig { ContextLength = 12, Width = 32, Layers = 1, Heads = 2, MlpWidth = 64, VocabularySize = bpe.VocabularySize, EmbedDim = Dim };
        using var random = Generator.For(options.Seed, 1);
        using var weights = Obverse.Torch.Weights.New(random);
        using var anchors = random.Normal(things.Length, Dim);
        using var images = random.Normal(32, Dim);
        using var training = new ClipPretraining(options, weights, config, bpe, lessons, anchors, new Clouds(images, anchors));
        using var stop = new CancellationTokenSource();
        training.Run(folder, step =>
        {
            progress?.Invoke(step);
            if (step.Step == stopAt) stop.Cancel();
        }, stop.Token);
        return weights.All.ToDictionary(pair => pair.Key, pair => pair.Value.ToFloats());
    }

    /// <summary>Pictures that are points near the anchors of their names.</summary>
    private sealed class Clouds(Tensor noise, Tensor anchors) : ICaptionedPictures
    {
        public IReadOnlyList<int> Of(ViewKind kind) => kind == ViewKind.Photo ? [.. Enumerable.Range(0, 32)] : [];

        public (string Caption, string Group) Describe(int view, Random random) => ($"a {things[view % things.Length]}", things[view % things.Length]);

        public Tensor Embed(IReadOnlyList<int> views) => Tensor.Stack([.. views.Select(view => anchors[view % things.Length] + noise[view] * 0.2)]);
    }
}
