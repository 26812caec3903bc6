using System.Diagnostics;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>Where a pocket model's teachers and pictures are.</summary>
public sealed record PocketSources
{
    /// <summary>timm's EfficientNet-Lite with its ImageNet classifier, safetensors.</summary>
    public required string Tower { get; init; }

    /// <summary>index, wnid, clip_name, synonyms of the classifier's classes.</summary>
    public required string Classes { get; init; }

    /// <summary>text-teacher.txt and text-teacher.safetensors.</summary>
    public required string TeacherStrings { get; init; }
    public required string TeacherEmbeddings { get; init; }

    /// <summary>The <c>dict</c> folder of WordNet 3.1, or null to learn without definitions.</summary>
    public string? WordNet { get; init; }

    /// <summary>The folder of a <see cref="PictureSet"/>: drawings and Tiny ImageNet's and CIFAR-10's training photographs.</summary>
    public required string Pictures { get; init; }

    /// <summary>Held out: imagenet-1000.zip, tiny-imagenet-val.zip, cifar10-test.zip.</summary>
    public required string ImageNet { get; init; }
    public required string TinyImageNetValidation { get; init; }
    public required string Cifar10Test { get; init; }

    /// <summary>The files by the names they have in one folder of downloads.</summary>
    public static PocketSources In(string folder, string pictures, string tower, string? wordNet = null) => new()
    {
        Tower = Path.Combine(folder, $"{tower}.in1k.fp16.safetensors"),
        Classes = Path.Combine(folder, "imagenet-classes.json"),
        TeacherStrings = Path.Combine(folder, "text-teacher.txt"),
        TeacherEmbeddings = Path.Combine(folder, "text-teacher.safetensors"),
        WordNet = wordNet,
        Pictures = pictures,
        ImageNet = Path.Combine(folder, "imagenet-1000.zip"),
        TinyImageNetValidation = Path.Combine(folder, "tiny-imagenet-val.zip"),
        Cifar10Test = Path.Combine(folder, "cifar10-test.zip"),
    };
}

/// <summary>What a pocket model is.</summary>
public sealed record PocketClipRecipe
{
    public required string Name { get; init; }

    /// <summary>timm's name of the image tower.</summary>
    public required string Tower { get; init; }

    /// <summary>D, the shared space.</summary>
    public required int Dim { get; init; }
    public required int TextWidth { get; init; }
    public required int TextLayers { get; init; }
    public required int TextHeads { get; init; }
    public int Merges { get; init; } = 6000;

    /// <summary>Side of the pictures in pixels that the model takes.</summary>
    public int ImageSize { get; init; } = 128;

    /// <summary>Sides of the training views in pixels, part by part.</summary>
    public IReadOnlyList<int> Sides { get; init; } = [128, 128, 128, 160];
    public ViewCounts Views { get; init; } = new();
    public required ClipPretrainingOptions Pretraining { get; init; }

    /// <summary>How the projection is tuned after the text tower is trained; null leaves it as pretraining did.</summary>
    public ProjectionTuningOptions? Tuning { get; init; } = new();

    /// <summary>Draws pictures: EfficientNet-Lite0, 512 dimensions, a text tower of 384 x 3 (of 256 dimensions the projection could not reach a thousand anchors).</summary>
    public static PocketClipRecipe PocketClip { get; } = new()
    {
        Name = "pocket-clip", Tower = "tf_efficientnet_lite0", Dim = 512, TextWidth = 384, TextLayers = 3, TextHeads = 6,
        Pretraining = Lessons(7),
    };

    /// <summary>Scores pictures and never makes one: another tower, space, text tower, vocabulary, seed, and the other half of the drawn styles.</summary>
    public static PocketClipRecipe PocketJudge { get; } = new()
    {
        Name = "pocket-judge", Tower = "tf_efficientnet_lite1", Dim = 448, TextWidth = 320, TextLayers = 3, TextHeads = 5, Merges = 6500,
        Pretraining = Lessons(11),
    };

    private static ClipPretrainingOptions Lessons(ulong seed) => new()
    {
        Seed = seed, Minutes = 55, Strings = 144, Glosses = 64, Names = 96, Photos = 32, NameWeight = 1.5, ClassWeight = 0.5, Rate = 8e-4, BFloat16 = Torch.Processor.MultipliesBFloat16,
    };
}

/// <summary>Makes a small CLIP out of a classifier: analytic projection, distilled text tower, locked-image tuning (spec zoo.md 8.3).</summary>
public static class PocketClip
{
    /// <summary>The whole recipe. Checkpoints and caches go to <paramref name="work"/>: a killed run resumes.</summary>
    /// <param name="recipe">Which model.</param>
    /// <param name="sources">Its teachers and pictures.</param>
    /// <param name="output">Folder for the model.</param>
    /// <param name="work">Folder for features, checkpoint and log.</param>
    /// <param name="progress">A line of text now and then.</param>
    /// <param name="cancel">Stops and leaves a checkpoint.</param>
    /// <returns>The measured quality, or null where it was stopped.</returns>
    public static PocketQuality? Train(PocketClipRecipe recipe, PocketSources sources, string output, string work, Action<string>? progress = null, CancellationToken cancel = default)
    {
        Directory.CreateDirectory(work);
        void Say(string text) => progress?.Invoke(text);
        var classes = ClassName.Load(sources.Classes);
        var phrases = HeldOutPhrases();
        using var teacher = TextTeacher.Open(sources.TeacherStrings, sources.TeacherEmbeddings, classes);
        var lessons = TextLessons.Of(teacher, classes, sources.WordNet is { } dict ? WordNet.Nouns(dict) : null, phrases.Select(phrase => phrase.Text));
        using var set = PictureSet.Open(sources.Pictures, DecodeJpeg);
        var bpe = Vocabulary(recipe, lessons, set, Path.Combine(work, "bpe.txt.gz"));
        Say($"{lessons.Strings.Count:N0} strings, {lessons.Glosses.Count:N0} definitions, {lessons.Names.Count:N0} names; {bpe.VocabularySize:N0} ids");

        using var process = new TrainingProcess(recipe.Pretraining.Threads);
        using var tower = Weights.Load(sources.Tower);
        using var network = new EfficientNetLite(tower, recipe.Tower);
        Tensor Pool(Tensor x) => network.Features((x - 0.5) / 0.5);
        var views = new PictureViews(set, recipe.Name, recipe.Pretraining.Seed, recipe.Views);
        var features = Path.Combine(work, "features");
        FeatureCache.Build(features, views, Pool, recipe.Sides, progress: p => Say($"features: part {p.Done} of {p.Total}, {p.Text}, {p.Left?.TotalMinutes:F0} min left"), cancel: cancel);
        using var cache = FeatureCache.Open(features);
        using var exam = PocketExam.Open(Path.Combine(work, "exam.safetensors"), Pool, classes, phrases, sources.ImageNet, sources.TinyImageNetValidation, set, sources.Cifar10Test, name => Say($"features of {name}"));
        using var projection = AnalyticProjection.From(tower.All["classifier.weight"], MeanPhoto(cache, set), recipe.Dim);
        var pictures = new CachedPictures(cache, set, projection, classes);

        var config = TextShape(recipe, bpe);
        using var random = Generator.For(recipe.Pretraining.Seed, 1);
        using var weights = Weights.New(random);
        var text = new TextTransformer(weights, config);
        if (!File.Exists(Path.Combine(work, "pretraining", "checkpoint.safetensors")))
            Say(string.Create(CultureInfo.InvariantCulture, $"bag-of-words start: cosine to the teacher {BagOfWordsStart.Give(weights, text, line => bpe.EncodeUnpadded(line, text.Config.ContextLength), lessons, projection.Anchors, recipe.Pretraining.Seed):F3} on strings set aside"));
        using var training = new ClipPretraining(recipe.Pretraining, weights, config, bpe, lessons, projection.Anchors, pictures,
            [new("visual.head.proj.weight", pictures.Weight), new("visual.head.proj.bias", pictures.Bias)]);
        PretrainingStep? last = null;
        var done = training.Run(Path.Combine(work, "pretraining"), step =>
        {
            last = step;
            Say(string.Create(CultureInfo.InvariantCulture, $"step {step.Step}, {step.Fraction:P1}, {step.Left?.TotalMinutes:F0} min left, {step.StringsPerSecond:F0} strings/s, {string.Join(" ", step.Parts.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Key} {part.Value:F3}")))}"));
        }, cancel);
        if (!done) return null;

        Say("measuring");
        using var texts = exam.Embed(training.Embed, ImageNetTemplates.All);
        var locked = exam.Measure(projection.Weight, projection.Bias, projection.Anchors, texts);
        Say($"projection as it began: {locked}");
        if (recipe.Pretraining.ProjectionRate > 0) Say($"projection trained with the text tower: {exam.Measure(pictures.Weight, pictures.Bias, projection.Anchors, texts)}");
        if (recipe.Tuning is { } tuning)
        {
            pictures.Reset();
            Tune(tuning, pictures, cache, set, texts.Classes, training.Embed, (tower.All["classifier.weight"], tower.All["classifier.bias"]), Say);
        }

        var quality = exam.Measure(pictures.Weight, pictures.Bias, projection.Anchors, texts);
        Write(recipe, output, tower, weights, pictures, bpe, config, locked, quality, training.Step, last?.Elapsed ?? TimeSpan.FromMinutes(recipe.Pretraining.Minutes ?? 0), cache.Rows.Count, lessons);
        Say(quality.ToString());
        return quality;
    }

    /// <summary>The phrases that were written before any training (everyday-phrases.tsv, built in).</summary>
    public static IReadOnlyList<EverydayPhrase> HeldOutPhrases()
    {
        using var stream = typeof(PocketClip).Assembly.GetManifestResourceStream("everyday-phrases.tsv")!;
        using var reader = new StreamReader(stream);
        return EverydayPhrase.Parse(reader.ReadToEnd(), "everyday-phrases.tsv");
    }

    /// <summary>Decodes the photographs of a <see cref="PictureSet"/>.</summary>
    public static (byte[] Rgba, int Width, int Height) DecodeJpeg(byte[] jpeg)
    {
        var picture = Picture.Decode(jpeg, "a photograph of the set", upright: false);
        var rgba = new byte[picture.Width * picture.Height * 4];
        var rgb = picture.Rgb;
        for (int from = 0, to = 0; from < rgb.Length; from += 3, to += 4)
        {
            rgb.Slice(from, 3).CopyTo(rgba.AsSpan(to));
            rgba[to + 3] = 255;
        }

        return (rgba, picture.Width, picture.Height);
    }

    /// <summary>Mean of the cached features of photographs that are not CIFAR-10's: 32 px enlarged fourfold are not what photographs look like. [channels].</summary>
    public static Tensor MeanPhoto(FeatureCache cache, PictureSet set)
    {
        long[] photos = [.. Enumerable.Range(0, cache.Rows.Count).Where(i => cache.Rows[i].Kind == ViewKind.Photo && set.Entries[cache.Rows[i].Picture] is var entry && entry.Width > 32).Select(i => (long)i)];
        return TensorScope.Of(() => cache.Take(photos).Mean(0));
    }

    private static void Tune(ProjectionTuningOptions options, CachedPictures pictures, FeatureCache cache, PictureSet set, Tensor classNames, TextEmbedder embed, (Tensor, Tensor) classifier, Action<string> say)
    {
        var drawings = pictures.Of(ViewKind.Drawing).Select(view => (View: view, set.Entries[cache.Rows[view].Picture].Name)).ToArray();
        string[] names = [.. drawings.Select(drawing => drawing.Name).Distinct()];
        if (names.Length == 0 || pictures.Labelled.Count == 0) return;
        var at = names.Select((name, i) => (name, i)).ToDictionary(pair => pair.name, pair => pair.i);
        using var drawingNames = ZeroShot.Classifier(embed, names, PocketExam.DrawingTemplates);
        ProjectionTuning.Run(options, pictures, classNames, drawingNames, [.. drawings.Select(drawing => (drawing.View, at[drawing.Name]))],
            (step, photos, drawn, moved) => say(string.Create(CultureInfo.InvariantCulture, $"tuning the projection: step {step} of {options.Steps}, photographs {photos:F3}, drawings {drawn:F3}, moved {moved:F3}")), classifier);
    }

    private static TextConfig TextShape(PocketClipRecipe recipe, BpeTokenizer bpe) => new()
    {
        Width = recipe.TextWidth, Layers = recipe.TextLayers, Heads = recipe.TextHeads, MlpWidth = 4 * recipe.TextWidth, VocabularySize = bpe.VocabularySize, TakesSingulars = bpe.Flavour.TakesSingulars, EmbedDim = recipe.Dim,
    };

    private static BpeTokenizer Vocabulary(PocketClipRecipe recipe, TextLessons lessons, PictureSet set, string path)
    {
        if (!File.Exists(path))
        {
            // Names and keywords of drawings besides: captions are made of them.
            var words = set.SeenBy(recipe.Name).Select(i => set.Entries[i]).DistinctBy(entry => (entry.Style, entry.Label)).SelectMany(entry => entry.Names.Concat(entry.Keywords));
            var trained = BpeTrainer.Train(lessons.Strings.Concat(lessons.Names).Concat(lessons.Glosses).Concat(lessons.Definitions).Select(lesson => lesson.Text).Concat(words), recipe.Merges);
            trained.Save(path + ".gz");
            File.Move(path + ".gz", path);
        }

        var bpe = BpeTokenizer.Load(path);
        return bpe.As(bpe.Flavour with { TakesSingulars = true });
    }

    private static void Write(PocketClipRecipe recipe, string output, Weights tower, Weights text, CachedPictures pictures, BpeTokenizer bpe, TextConfig config, PocketQuality locked, PocketQuality quality, long steps, TimeSpan elapsed, int views, TextLessons lessons)
    {
        Directory.CreateDirectory(output);
        List<KeyValuePair<string, Tensor>> all = [];
        void Add(string name, Tensor tensor) => all.Add(new(name, tensor.OwnedCopy()));
        foreach (var (name, tensor) in tower.All)
        {
            if (!name.StartsWith("classifier.", StringComparison.Ordinal)) Add("visual.trunk." + name, tensor);
        }

        Add("visual.head.proj.weight", pictures.Weight);
        Add("visual.head.proj.bias", pictures.Bias);
        foreach (var (name, tensor) in text.All) Add(name, tensor);
        var clip = new ClipConfig
        {
            Vision = new() { ImageSize = recipe.ImageSize, EmbedDim = recipe.Dim, TimmName = recipe.Tower, TimmProjectionBias = true },
            Text = config,
            Mean = new(0.5, 0.5, 0.5),
            Std = new(0.5, 0.5, 0.5),
        };
        using (var model = TensorScope.Unscoped(() => new ClipModel(Weights.From(all, recipe.Name), clip, trainable: true))) model.Save(output, half: true);
        bpe.Save(Path.Combine(output, "bpe.txt.gz"));
        AtomicFile.WriteText(Path.Combine(output, "README.md"), PocketReadme.Write(recipe, locked, quality, steps, elapsed, views, lessons));
    }
}
