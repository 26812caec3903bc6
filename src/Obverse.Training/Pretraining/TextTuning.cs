using System.Globalization;
using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>What the tuning of a finished text encoder needs.</summary>
public sealed record TextTuningSources
{
    /// <summary>The classifier that the model's image tower was published with: its rows are the anchors.</summary>
    public required string Tower { get; init; }
    public required string TeacherStrings { get; init; }
    public required string TeacherEmbeddings { get; init; }

    /// <summary>WordNet's <c>dict</c> folder, or null.</summary>
    public string? WordNet { get; init; }

    /// <summary>Photographs that the styles are painted on: a folder or zip with a folder a class; null teaches no styles.</summary>
    public string? Photos { get; init; }

    /// <summary>A picture set whose drawings' captions are held where the encoder had them, or null.</summary>
    public string? Drawings { get; init; }
}

/// <summary>How alike the embeddings of one thing are in another wording.</summary>
/// <param name="Wording">A form of <see cref="Wordings.Measured"/>.</param>
/// <param name="Cosine">Mean cosine to the bare name's embedding.</param>
/// <param name="Least">Least of those cosines.</param>
/// <param name="Nearest">Share of the names whose nearest bare name is their own.</param>
public sealed record WordingLikeness(string Wording, double Cosine, double Least, double Nearest);

/// <summary>
/// Tunes the text encoder of a finished pocket CLIP on text alone, its image encoder and projection untouched: names, strings and definitions as in pretraining, and every
/// wording of a thing to the thing's own embedding (<see cref="WordingLessons"/>).
/// </summary>
public static class TextTuning
{
    // Of the photographs that styles are measured on: side in pixels, and the most of them.
    private const int Side = 160, Photos = 80;

    /// <summary>Rate and batch for a text encoder that is trained already; minutes are the caller's.</summary>
    public static ClipPretrainingOptions Options { get; } = new()
    {
        Seed = 7, Minutes = 40, Strings = 48, Glosses = 64, Names = 24, Photos = 0, Drawings = 0, Compositions = 0, NameWeight = 1, ClassWeight = 0.5, Rate = 4e-4, Warmup = 100, Wordings = new(),
    };

    /// <summary>Trains and writes a model folder. The checkpoint and the log go to <paramref name="work"/>.</summary>
    /// <param name="model">A pocket CLIP's folder.</param>
    /// <param name="robust">Models that take their text from it: styles are measured on their image towers too.</param>
    /// <param name="sources">Teachers.</param>
    /// <param name="options">How.</param>
    /// <param name="output">Folder for the model.</param>
    /// <param name="work">Folder for checkpoint and log.</param>
    /// <param name="blend">Where given, the result is this share of the tuned weights and the rest of another model's of the same shape (Wortsman et al. 2022): what the tuning forgot comes back sooner than what it learned goes.</param>
    /// <param name="progress">A line of text now and then.</param>
    /// <param name="cancel">Stops and leaves a checkpoint.</param>
    /// <returns>True where the run is finished.</returns>
    public static bool Train(string model, IReadOnlyList<string> robust, TextTuningSources sources, ClipPretrainingOptions options, string output, string work, (string Model, double Share)? blend = null, Action<string>? progress = null, CancellationToken cancel = default)
    {
        void Say(string text) => progress?.Invoke(text);
        Directory.CreateDirectory(work);
        using var process = new TrainingProcess(options.Threads);
        using var frozen = ClipModel.Load(model);
        using var student = ClipModel.Load(model, trainable: true);
        if (frozen.Tokenizer is not { } tokenizer || frozen.Config.TextOf is not null) throw new ArgumentException($"{model}: a model with a text encoder and tokenizer of its own was wanted");
        var phrases = PocketClip.HeldOutPhrases();
        using var teacher = TextTeacher.Open(sources.TeacherStrings, sources.TeacherEmbeddings, ImageNet.Classes);
        var lessons = TextLessons.Of(teacher, ImageNet.Classes, sources.WordNet is { } dict ? WordNet.Nouns(dict) : null,
            [.. phrases.Select(phrase => phrase.Text), .. teacher.Strings.Where(text => Wordings.Bare(text).Length + 4 < text.TrimEnd('.', '!').Length)]); // of a framed string the teacher says what the frame means
        using var anchors = Anchors(frozen, sources.Tower);
        Say($"{lessons.Strings.Count:N0} strings, {lessons.Glosses.Count:N0} definitions, {lessons.Names.Count:N0} names; {Report(frozen.EncodeText, phrases)}");
        var styles = sources.Photos is { } photos ? Styles(photos, [model, .. robust], Path.Combine(work, "styles.safetensors"), Say) : [];
        using var weights = Weights.From([.. student.Weights.All.Where(pair => !pair.Key.StartsWith("visual.", StringComparison.Ordinal)).Select(pair => KeyValuePair.Create(pair.Key, pair.Value.OwnedCopy()))], "text encoder");
        using var set = sources.Drawings is { } drawings ? PictureSet.Open(drawings) : null;
        var wordings = options.Wordings is { } asked ? new WordingLessons(asked, frozen.EncodeText, lessons, anchors, styles, [.. set?.Entries.Where(entry => entry.Split == PictureSet.Train) ?? []]) : null;
        using (var training = new ClipPretraining(options, weights, student.Config.Text, tokenizer, lessons, anchors, wordings: wordings))
        {
            var finished = training.Run(work, step =>
            {
                Say(string.Create(CultureInfo.InvariantCulture, $"step {step.Step}, {step.Fraction:P1}, {step.Left?.TotalMinutes:F0} min left, {step.StringsPerSecond:F0} strings/s, {string.Join(" ", step.Parts.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Key} {part.Value:F3}")))}"));
                if (step.Step % 400 == 0) Say(Report(training.Embed, phrases));
            }, cancel);
            if (!finished) return false;
            Say(Report(training.Embed, phrases));
        }

        using (new NoGrad())
        {
            foreach (var (name, tensor) in weights.All) student.Weights.All[name].CopyInPlace(tensor);
            if (blend is var (other, share))
            {
                using var beginning = ClipModel.Load(other, trainable: true);
                foreach (var name in weights.All.Keys) student.Weights.All[name].LerpInPlace(beginning.Weights.All[name], 1 - share);
                Say($"{share:P0} of the tuned weights: {Report(student.EncodeText, phrases)}");
            }
        }

        student.Save(output, half: true);
        foreach (var style in styles.Values) style.Dispose();
        return true;
    }

    /// <summary>How alike each of <see cref="Wordings.Measured"/> is to the bare name, over <paramref name="names"/>.</summary>
    public static IReadOnlyList<WordingLikeness> Likeness(TextEmbedder embed, IReadOnlyList<string> names)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        var bare = embed(names).Normalized();
        List<WordingLikeness> all = [];
        foreach (var form in Wordings.Measured)
        {
            var cosines = embed([.. names.Select(name => Wordings.Fill(form, name))]).Normalized().Matmul(bare.T()).ToArray<float>();
            var own = Enumerable.Range(0, names.Count).Select(i => cosines[i * names.Count + i]).ToArray();
            var nearest = Enumerable.Range(0, names.Count).Count(i => cosines.AsSpan(i * names.Count, names.Count).ToArray().Max() <= own[i]);
            all.Add(new(form, own.Average(), own.Min(), nearest / (double)names.Count));
        }

        return all;
    }

    // Wordings of every ninth class name, and the held-out phrases.
    private static string Report(TextEmbedder embed, IReadOnlyList<EverydayPhrase> phrases)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        string[] names = [.. ImageNet.Classes.Where(c => c.Index % 9 == 0).Select(c => c.ClipName).Distinct()];
        var classes = ZeroShot.Classifier(embed, [.. ImageNet.Classes.Select(c => c.ClipName)], Judge.Templates);
        var accuracy = ZeroShot.Accuracy(ZeroShot.Classifier(embed, [.. phrases.Select(phrase => phrase.Text)], ["{}"]), classes, [.. phrases.Select(phrase => phrase.Classes)]);
        return string.Create(CultureInfo.InvariantCulture, $"everyday phrases {accuracy}; ") + string.Join(", ", Likeness(embed, names).Select(row => string.Create(CultureInfo.InvariantCulture, $"'{row.Wording}' {row.Cosine:F3} ({row.Least:F2}, {row.Nearest:P0})")));
    }

    // The rows that the projection was made from. A singular vector's sign is the library's choice, so it is taken from the projection that is there.
    private static Tensor Anchors(ClipModel model, string tower)
    {
        using var still = new NoGrad();
        return TensorScope.Of(() =>
        {
            using var published = Weights.Load(tower);
            var classifier = published.All["classifier.weight"].To(DType.Float32);
            using var analytic = AnalyticProjection.From(classifier, Tensor.Zeros([classifier.Size(1)]), model.EmbedDim);
            var along = (analytic.Weight.Normalized() * model.Weights.All["visual.head.proj.weight"].To(DType.Float32).Normalized()).Sum(1); // [D]
            if (along.Abs().Mean().Item() is var fit && fit < 0.8) throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"{tower}: its classifier is not the one that the model's projection was made from (mean cosine of their rows {fit:F2}, wanted 0.8 at least)"));
            return (analytic.Anchors * (along / along.Abs())).Normalized();
        });
    }

    private static Dictionary<string, Tensor> Styles(string photos, IReadOnlyList<string> models, string cache, Action<string> say)
    {
        if (File.Exists(cache))
        {
            using var stored = Safetensors.Open(cache);
            return stored.Names.ToDictionary(name => name, name => TensorScope.Unscoped(() => stored[name].To(DType.Float32)));
        }

        using var folder = new PhotoFolder(photos);
        byte[][] pictures = [.. folder.Read().Where((_, i) => i % 2 == 0).Take(Photos).Select(photo => Picture.Decode(photo.Jpeg, photo.Entry.Source)).Select(picture => PictureBatches.CentreCrop(picture.Rgb, picture.Width, picture.Height, Side))];
        ClipModel[] towers = [.. models.Select(model => ClipModel.Load(model))];
        Dictionary<string, Tensor> styles = [];
        foreach (var style in PaintedStyles.All)
        {
            styles[style.Name] = TensorScope.Unscoped(() => WordingLessons.Direction(style, pictures, Side, [.. towers.Select(tower => (Func<Tensor, Tensor>)(images => tower.EncodeImage(tower.Normalize(images))))]));
            say($"style measured: {style.Name}, on {pictures.Length} photographs");
        }

        foreach (var tower in towers) tower.Dispose();
        Safetensors.Save(cache, styles);
        return styles;
    }
}
