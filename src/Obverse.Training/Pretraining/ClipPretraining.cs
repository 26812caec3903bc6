using System.Diagnostics;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>What one step did. Losses are means over the steps since the last report; null where a part is not trained.</summary>
public sealed record PretrainingStep(long Step, double Fraction, TimeSpan Elapsed, TimeSpan? Left, double Loss, IReadOnlyDictionary<string, double> Parts, double StringsPerSecond);

/// <summary>
/// Teaches a text tower, and as much of the image side as learns, by one loss over four parts (spec zoo.md 8.3): strings with a teacher,
/// photographs, drawings, compositions. Killed at any moment, it goes on from its last checkpoint with the same batches.
/// </summary>
public sealed class ClipPretraining : IDisposable
{
    private const ulong StringsDeck = 1, GlossDeck = 2, DefinitionDeck = 3, NameDeck = 4, LabelledDeck = 8, PairDeck = 16, WordsRandom = 32;

    private readonly ClipPretrainingOptions options;
    private readonly BpeTokenizer tokenizer;
    private readonly TextTransformer text;
    private readonly Weights weights;
    private readonly TextLessons? lessons;
    private readonly ICaptionedPictures? pictures;
    private readonly Tensor? anchors;
    private readonly Linear? teacherHead;
    private readonly Tensor logitScale;
    private readonly List<(string Name, Tensor Tensor)> learned = [];
    private readonly List<Tensor> averages = [];
    private readonly Adam optimizer;
    private readonly Deck strings, glosses, definitions, names, labelled;
    private readonly (int Count, int[] Views, Deck Deck)[] pairs;
    private TimeSpan before;

    /// <param name="options">How.</param>
    /// <param name="weights">The text tower's weights by open_clip's names, to be trained: new ones (<see cref="Weights.New"/>) or a checkpoint's.</param>
    /// <param name="config">Shape of the text tower.</param>
    /// <param name="tokenizer">Its vocabulary.</param>
    /// <param name="lessons">Strings with a teacher, or null to learn from captions alone.</param>
    /// <param name="anchors">[classes, D]: what the names of the classes must come out as; needed with lessons.</param>
    /// <param name="pictures">Captioned pictures, or null to learn from strings alone.</param>
    /// <param name="imageParameters">What learns on the image side, by name, at <see cref="ClipPretrainingOptions.ProjectionRate"/>.</param>
    public ClipPretraining(ClipPretrainingOptions options, Weights weights, TextConfig config, BpeTokenizer tokenizer, TextLessons? lessons = null, Tensor? anchors = null,
        ICaptionedPictures? pictures = null, IReadOnlyList<KeyValuePair<string, Tensor>>? imageParameters = null)
    {
        if (lessons is not null && anchors is null) throw new ArgumentException("pretraining: strings with a teacher need the anchors of the classes", nameof(anchors));
        if (options.Steps is null && options.Minutes is null) throw new ArgumentException("pretraining: neither steps nor minutes say how long", nameof(options));
        if (config.VocabularySize < tokenizer.VocabularySize) throw new ArgumentException($"pretraining: the tokenizer has {tokenizer.VocabularySize} ids, the text tower {config.VocabularySize}", nameof(config));
        (this.options, this.weights, this.tokenizer, this.lessons, this.pictures) = (options, weights, tokenizer, lessons, pictures);
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
        if (options.Average > 0) averages.AddRange(learned.Select(l => TensorScope.Unscoped(() => l.Tensor.Detach().Clone())));

        strings = new(lessons?.Strings.Count ?? 0, options.Seed, StringsDeck);
        glosses = new(lessons?.Glosses.Count ?? 0, options.Seed, GlossDeck);
        definitions = new(lessons?.Definitions.Count ?? 0, options.Seed, DefinitionDeck);
        names = new(lessons?.Names.Count ?? 0, options.Seed, NameDeck);
        labelled = new((pictures as CachedPictures)?.Labelled.Count ?? 0, options.Seed, LabelledDeck);
        pairs = pictures is null ? [] : [.. new[] { (ViewKind.Photo, options.Photos), (ViewKind.Drawing, options.Drawings), (ViewKind.Composition, options.Compositions) }
            .Select(kind => (Count: kind.Item2, Views: pictures.Of(kind.Item1).ToArray(), Kind: (ulong)kind.Item1))
            .Where(kind => kind.Count > 0 && kind.Views.Length > 0).Select(kind => (kind.Count, kind.Views, new Deck(kind.Views.Length, options.Seed, PairDeck + kind.Kind)))];
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

    /// <summary>Trains to the end, or until <paramref name="cancel"/> asks to stop, which leaves a checkpoint. The averaged weights are then in place.</summary>
    /// <param name="folder">Where <c>checkpoint.safetensors</c> and <c>log.csv</c> are kept; null keeps none.</param>
    /// <param name="progress">Told every <see cref="ClipPretrainingOptions.LogEvery"/> steps.</param>
    /// <param name="cancel">Stops after the step at hand.</param>
    /// <returns>True where the run is finished, false where it was stopped.</returns>
    public bool Run(string? folder = null, Action<PretrainingStep>? progress = null, CancellationToken cancel = default)
    {
        var threads = Runtime.Threads;
        Runtime.Threads = options.Threads;
        try
        {
            if (folder is not null)
            {
                Directory.CreateDirectory(folder);
                Load(Path.Combine(folder, "checkpoint.safetensors"));
            }

            using var log = folder is null ? null : PretrainingLog.Open(Path.Combine(folder, "log.csv"), Step);
            var (watch, lastSaved, lastStep, lastElapsed, lastStrings) = (Stopwatch.StartNew(), before, Step, before, 0L);
            Dictionary<string, double> sums = [];
            TimeSpan Elapsed() => before + watch.Elapsed;
            while (Fraction(Elapsed()) is var fraction && fraction < 1)
            {
                if (cancel.IsCancellationRequested)
                {
                    if (folder is not null) Save(Path.Combine(folder, "checkpoint.safetensors"), Elapsed());
                    return false;
                }

                lastStrings += TakeStep(fraction, sums);
                Step++;
                if (Step % options.LogEvery == 0)
                {
                    var elapsed = Elapsed();
                    var steps = Step - lastStep;
                    var parts = sums.ToDictionary(pair => pair.Key, pair => pair.Value / steps);
                    var now = Fraction(elapsed);
                    var report = new PretrainingStep(Step, now, elapsed, now > 0 ? elapsed * ((1 - now) / now) : null, parts["loss"], parts, lastStrings / (elapsed - lastElapsed).TotalSeconds);
                    log?.Write(report, optimizer.Groups[0].Rate);
                    progress?.Invoke(report);
                    sums.Clear();
                    (lastStep, lastElapsed, lastStrings) = (Step, elapsed, 0);
                }

                if (folder is not null && Elapsed() - lastSaved > TimeSpan.FromMinutes(options.CheckpointMinutes))
                {
                    Save(Path.Combine(folder, "checkpoint.safetensors"), Elapsed());
                    lastSaved = Elapsed();
                }
            }

            if (folder is not null) Save(Path.Combine(folder, "checkpoint.safetensors"), Elapsed());
            TakeAverage();
            return true;
        }
        finally { Runtime.Threads = threads; }
    }

    /// <summary>Puts the averaged weights in the place of the last ones; a checkpoint is written before, never after.</summary>
    public void TakeAverage()
    {
        using var still = new NoGrad();
        for (var i = 0; i < averages.Count; i++) learned[i].Tensor.CopyInPlace(averages[i]);
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

    private double Fraction(TimeSpan elapsed) => Math.Max(options.Steps is { } steps ? Step / (double)steps : 0, options.Minutes is { } minutes ? elapsed.TotalMinutes / minutes : 0);

    private double RateFactor(double fraction) => Step < options.Warmup ? (Step + 1.0) / options.Warmup : 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, fraction)));

    private long TakeStep(double fraction, Dictionary<string, double> sums)
    {
        using var scope = new TensorScope();
        var factor = RateFactor(fraction);
        optimizer.Groups[0].Rate = optimizer.Groups[1].Rate = options.Rate * factor;
        optimizer.Groups[2].Rate = options.ProjectionRate * factor;
        var (loss, parts, count) = Loss(Step);
        optimizer.ZeroGrad();
        loss.Backward();
        parts["norm"] = optimizer.ClipNorm(options.ClipNorm);
        parts["loss"] = loss.Item();
        if (!double.IsFinite(parts["loss"])) throw new InvalidOperationException($"pretraining: the loss of step {Step} is {parts["loss"]}; a smaller rate than {options.Rate} may help");
        optimizer.Step();
        using (new NoGrad())
        {
            logitScale.ClampInPlace(0, Math.Log(100)); // Radford et al. 2021, 2.5
            // A short memory at first, or the average would remember the noise that the weights began as.
            var keep = Math.Min(options.Average, (1.0 + Step) / (10 + Step));
            for (var i = 0; i < averages.Count; i++) averages[i].LerpInPlace(learned[i].Tensor, 1 - keep);
        }

        foreach (var (name, value) in parts) sums[name] = sums.GetValueOrDefault(name) + value;
        return count;
    }

    /// <summary>The loss of the batch that belongs to <paramref name="step"/>, its parts as numbers, and how many strings it took.</summary>
    private (Tensor Loss, Dictionary<string, double> Parts, int Strings) Loss(long step)
    {
        var random = new Random((int)((options.Seed * 0x9E3779B97F4A7C15UL ^ (ulong)step * 0xBF58476D1CE4E5B9UL) >> 33) ^ (int)WordsRandom);
        List<string> texts = [];
        List<TextLesson> taught = [], named = [];
        if (lessons is not null)
        {
            foreach (var i in strings.Deal(step, options.Strings)) taught.Add(lessons.Strings[i]);
            var ofClasses = options.Glosses / 8;
            foreach (var i in glosses.Deal(step, options.Glosses - ofClasses)) taught.Add(lessons.Glosses[i] with { Text = Shortened(lessons.Glosses[i].Text, random) });
            foreach (var i in names.Deal(step, options.Names)) named.Add(lessons.Names[i] with { Text = TextLessons.InWords(lessons.Names[i].Text, random) });
            foreach (var i in definitions.Deal(step, ofClasses)) named.Add(lessons.Definitions[i] with { Text = Shortened(lessons.Definitions[i].Text, random) });
            texts.AddRange(taught.Select(lesson => lesson.Text));
            texts.AddRange(named.Select(lesson => lesson.Text));
        }

        var views = ViewsOf(step);
        var captions = views.Select(view => pictures!.Describe(view, random)).ToArray();
        pictures?.Prepare(ViewsOf(step + 1));
        texts.AddRange(captions.Select(caption => caption.Caption));

        Dictionary<string, double> parts = [];
        List<Tensor> losses = [];
        void Add(string name, double weight, Tensor part)
        {
            parts[name] = part.Detach().Item();
            losses.Add(part * weight);
        }

        Tensor embedded;
        using (new Autocast(options.BFloat16)) embedded = Forward([.. texts.Select(Ids)], options.LengthGroups).To(DType.Float32);
        var e = embedded.Normalized();
        if (lessons is not null)
        {
            var (t, n) = (taught.Count, named.Count);
            var m = lessons.Teacher.Embeddings.IndexSelect(0, Tensor.From([.. taught.Concat(named).Select(lesson => (long)lesson.Row)], t + n)); // [t + n, d]
            var p = lessons.Teacher.Classes(m[..t]); // [t, classes]
            var target = p.Matmul(anchors!).Normalized();
            Add("target", options.TargetWeight, 1 - (e[..t] * target).Sum(1).Mean());
            var scores = e[..(t + n)].Matmul(anchors!.T()) * options.ClassScale;
            Add("classes", options.ClassWeight, scores[..t].CrossEntropy(p) + (p * (p + 1e-12).Log()).Sum(1).Mean()); // KL(p || q)
            Add("teacher", options.TeacherWeight, 1 - (teacherHead!.Forward(e[..(t + n)]).Normalized() * m).Sum(1).Mean());
            if (n > 0)
            {
                var classes = Tensor.From([.. named.Select(lesson => (long)lesson.Class)], n);
                Add("names", options.NameWeight, 1 - (e[t..(t + n)] * anchors.IndexSelect(0, classes)).Sum(1).Mean() + scores[t..].CrossEntropy(classes) * options.ClassWeight);
            }
        }

        if (views.Length > 0)
        {
            var images = pictures!.Embed(views);
            var i = images.Normalized();
            var shared = new float[views.Length * views.Length];
            for (var a = 0; a < views.Length; a++)
            {
                var same = captions.Count(c => c.Group == captions[a].Group);
                for (var b = 0; b < views.Length; b++) shared[a * views.Length + b] = captions[a].Group == captions[b].Group ? 1f / same : 0;
            }

            var goal = Tensor.From(shared, views.Length, views.Length); // rows sum to one, and it is symmetric
            var logits = i.Matmul(e[(int)(e.Size(0) - views.Length)..].T()) * logitScale.Exp();
            Add("pairs", options.PairWeight, (logits.CrossEntropy(goal) + logits.T().CrossEntropy(goal)) * 0.5);
            if (options.ProjectionRate > 0 && pictures is CachedPictures cached)
            {
                var first = cached.EmbedAsAtFirst(views);
                Add("hold", options.HoldWeight, (images - first).Square().Sum() / first.Square().Sum());
                if (options.LabelledPhotos > 0 && cached.Labelled.Count > 0)
                {
                    var some = labelled.Deal(step, options.LabelledPhotos).Select(card => cached.Labelled[card]).ToArray();
                    var photos = cached.Embed([.. some.Select(photo => photo.View)]).Normalized();
                    Add("labelled", options.LabelledWeight, (photos.Matmul(anchors!.T()) * options.ClassScale * 2).CrossEntropy(Tensor.From([.. some.Select(photo => (long)photo.Class)], some.Length)));
                }
            }
        }

        if (losses.Count == 0) throw new InvalidOperationException("pretraining: neither strings nor pictures to learn from");
        return (losses.Aggregate((a, b) => a + b), parts, texts.Count);
    }

    private int[] ViewsOf(long step) => [.. pairs.SelectMany(pair => pair.Deck.Deal(step, pair.Count).Select(i => pair.Views[i]))];

    /// <summary>Half of the definitions lose a word in eight: people do not say all of it.</summary>
    private static string Shortened(string definition, Random random)
    {
        if (random.Next(2) == 0) return definition;
        var words = definition.Split(' ');
        var kept = words.Where(_ => random.Next(8) != 0).ToArray();
        return kept.Length > 1 ? string.Join(' ', kept) : definition;
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

    private void Save(string path, TimeSpan elapsed) => TrainingCheckpoint.Save(path, learned, averages, optimizer, Step, elapsed, options.Essence.ToJson());

    private void Load(string path) => (Step, before) = TrainingCheckpoint.Load(path, learned, averages, optimizer, options.Essence.ToJson());
}
