using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>What one step did. Losses are means over the steps since the last report; null where a part is not trained.</summary>
public sealed record PretrainingStep(long Step, double Fraction, TimeSpan Elapsed, TimeSpan? Left, double Loss, IReadOnlyDictionary<string, double> Parts, double StringsPerSecond);

/// <summary>
/// Teaches a text tower, and as much of the image side as learns, by one loss over four parts (spec zoo.md 8.3): strings with a teacher,
/// photographs, drawings, compositions. Killed at any moment, it goes on from its last checkpoint with the same batches.
/// </summary>
public sealed partial class ClipPretraining : IDisposable
{
    private const ulong StringsOrder = 1, GlossOrder = 2, DefinitionOrder = 3, NameOrder = 4, LabelledOrder = 8, PairOrder = 16, TextRandom = 32;

    private readonly ClipPretrainingOptions options;
    private readonly BpeTokenizer tokenizer;
    private readonly TextTransformer text;
    private readonly Weights weights;
    private readonly TextLessons? lessons;
    private readonly ICaptionedPictures? pictures;
    private readonly WordingLessons? wordings;
    private readonly Tensor? anchors;
    private readonly Linear? teacherHead;
    private readonly Tensor logitScale;
    private readonly List<(string Name, Tensor Tensor)> learned = [];
    private readonly List<Tensor> averages = [];
    private readonly Adam optimizer;
    private readonly ShuffledSampler strings, glosses, definitions, names, labelled;
    private readonly (int Count, int[] Views, ShuffledSampler Sampler)[] pairs;
    private TimeSpan before;

    /// <param name="options">How.</param>
    /// <param name="weights">The text tower's weights by open_clip's names, to be trained: new ones (<see cref="Weights.New"/>) or a checkpoint's.</param>
    /// <param name="config">Shape of the text tower.</param>
    /// <param name="tokenizer">Its vocabulary.</param>
    /// <param name="lessons">Strings with a teacher, or null to learn from captions alone.</param>
    /// <param name="anchors">[classes, D]: what the names of the classes must come out as; needed with lessons.</param>
    /// <param name="pictures">Captioned pictures, or null to learn from strings alone.</param>
    /// <param name="imageParameters">What learns on the image side, by name, at <see cref="ClipPretrainingOptions.ProjectionRate"/>.</param>
    /// <param name="wordings">Texts with embeddings to come out as, or null.</param>
    public ClipPretraining(ClipPretrainingOptions options, Weights weights, TextConfig config, BpeTokenizer tokenizer, TextLessons? lessons = null, Tensor? anchors = null,
        ICaptionedPictures? pictures = null, IReadOnlyList<KeyValuePair<string, Tensor>>? imageParameters = null, WordingLessons? wordings = null)
    {
        if (lessons is not null && anchors is null) throw new ArgumentException("pretraining: strings with a teacher need the anchors of the classes", nameof(anchors));
        if (options.Steps is null && options.Minutes is null) throw new ArgumentException("pretraining: neither steps nor minutes say how long", nameof(options));
        if (config.VocabularySize < tokenizer.VocabularySize) throw new ArgumentException($"pretraining: the tokenizer has {tokenizer.VocabularySize} ids, the text tower {config.VocabularySize}", nameof(config));
        (this.options, this.weights, this.tokenizer, this.lessons, this.pictures, this.wordings) = (options, weights, tokenizer, lessons, pictures, wordings);
        text = new TextTransformer(weights, config);
        logitScale = weights.Get("logit_scale", [], Inits.Constant(Math.Log(1 / 0.07))); // clip.md 1.1
        foreach (var (name, tensor) in weights.All) learned.Add((name, tensor));
        if (lessons is not null)
        {
            this.anchors = TensorScope.Of(() => anchors!.Normalized());
            using var random = Generator.For(options.Seed, 64);
            var width = lessons.Teacher.Embeddings.Size(1);
            var head = Weights.New(random);
            teacherHead = new Linear(head, config.EmbedDim!.Value, width);
            foreach (var (name, tensor) in head.All) learned.Add(("teacher_head." + name, tensor));
        }

        var imageSide = options.ProjectionRate > 0 ? imageParameters ?? [] : [];
        foreach (var (name, tensor) in imageSide) learned.Add((name, tensor));
        foreach (var (_, tensor) in learned) tensor.RequiresGrad = true;

        // Decay for matrices only: biases, norms and the temperature stay free, as in open_clip's training.
        var imageTensors = imageSide.Select(pair => pair.Value).ToHashSet();
        Tensor[] own = [.. learned.Select(l => l.Tensor).Where(t => !imageTensors.Contains(t))];
        optimizer = new Adam(
        [
            new("matrices", [.. own.Where(t => t.Dims >= 2)], options.Rate) { WeightDecay = options.WeightDecay },
            new("vectors", [.. own.Where(t => t.Dims < 2)], options.Rate),
            new("image", [.. imageTensors], options.ProjectionRate),
        ], beta2: 0.98, epsilon: 1e-6, decoupled: true); // betas and epsilon: Radford et al. 2021, table 19
        if (options.Average > 0) averages.AddRange(learned.Select(l => l.Tensor.OwnedCopy()));

        strings = new(lessons?.Strings.Count ?? 0, options.Seed, StringsOrder);
        glosses = new(lessons?.Glosses.Count ?? 0, options.Seed, GlossOrder);
        definitions = new(lessons?.Definitions.Count ?? 0, options.Seed, DefinitionOrder);
        names = new(lessons?.Names.Count ?? 0, options.Seed, NameOrder);
        labelled = new((pictures as CachedPictures)?.Labelled.Count ?? 0, options.Seed, LabelledOrder);
        pairs = pictures is null ? [] : [.. new[] { (ViewKind.Photo, options.Photos), (ViewKind.Drawing, options.Drawings), (ViewKind.Composition, options.Compositions) }
            .Select(kind => (Count: kind.Item2, Views: pictures.Of(kind.Item1).ToArray(), Kind: (ulong)kind.Item1))
            .Where(kind => kind.Count > 0 && kind.Views.Length > 0).Select(kind => (kind.Count, kind.Views, new ShuffledSampler(kind.Views.Length, options.Seed, PairOrder + kind.Kind)))];
    }

    /// <summary>Steps taken, those before an interruption included.</summary>
    public long Step { get; private set; }

    public TextTransformer Text => text;

    /// <summary>Embeddings of any strings by the weights as they are: [n, D], not normalised.</summary>
    public Tensor Embed(IReadOnlyList<string> texts)
    {
        using var still = new NoGrad();
        using var fast = new Autocast(options.BFloat16);
        return TensorScope.Of(() => Forward([.. texts.Select(Ids)], Math.Max(1, texts.Count / 64)).To(DType.Float32));
    }

    public void Dispose()
    {
        optimizer.Dispose();
        anchors?.Dispose();
        foreach (var average in averages) average.Dispose();
        foreach (var (name, tensor) in learned)
        {
            if (name.StartsWith("teacher_head.", StringComparison.Ordinal)) tensor.Dispose();
        }
    }

    private int[] Ids(string caption) => tokenizer.EncodeUnpadded(caption, text.Config.ContextLength);

    /// <summary>[n, D] in the order given; rows of like length are run together, so that few padded tokens are computed.</summary>
    private Tensor Forward(int[][] rows, int groups)
    {
        var order = Enumerable.Range(0, rows.Length).OrderBy(i => rows[i].Length).ThenBy(i => i).ToArray();
        var size = (rows.Length + groups - 1) / groups;
        List<Tensor> embeddings = [];
        foreach (var group in order.Chunk(size))
        {
            var longest = rows[group[^1]].Length;
            var ids = new long[group.Length * longest];
            for (var r = 0; r < group.Length; r++)
                for (var c = 0; c < rows[group[r]].Length; c++) ids[r * longest + c] = rows[group[r]][c];
            embeddings.Add(text.Forward(Tensor.From(ids, group.Length, longest), trim: false));
        }

        var back = new long[rows.Length];
        for (var i = 0; i < order.Length; i++) back[order[i]] = i;
        return Tensor.Cat(embeddings).IndexSelect(0, Tensor.From(back));
    }
}
