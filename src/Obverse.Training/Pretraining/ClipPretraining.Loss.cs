using Obverse.Torch;

namespace Obverse.Training;

/// <summary>The loss of a step.</summary>
public sealed partial class ClipPretraining
{
    /// <summary>The loss of the batch that belongs to <paramref name="step"/>, its parts as numbers, and how many strings it took.</summary>
    private (Tensor Loss, Dictionary<string, double> Parts, int Strings) Loss(long step)
    {
        var random = new Random((int)((options.Seed * 0x9E3779B97F4A7C15UL ^ (ulong)step * 0xBF58476D1CE4E5B9UL) >> 33) ^ (int)TextRandom);
        List<string> texts = [];
        List<TextLesson> taught = [], named = [];
        if (lessons is not null)
        {
            foreach (var i in strings.Batch(step, options.Strings)) taught.Add(lessons.Strings[i]);
            var ofClasses = options.Glosses / 8;
            foreach (var i in glosses.Batch(step, options.Glosses - ofClasses)) taught.Add(lessons.Glosses[i] with { Text = Shortened(lessons.Glosses[i].Text, random) });
            foreach (var i in names.Batch(step, options.Names)) named.Add(lessons.Names[i] with { Text = TextLessons.InWords(lessons.Names[i].Text, random) });
            foreach (var i in definitions.Batch(step, ofClasses)) named.Add(lessons.Definitions[i] with { Text = Shortened(lessons.Definitions[i].Text, random) });
            texts.AddRange(taught.Select(lesson => lesson.Text));
            texts.AddRange(named.Select(lesson => lesson.Text));
        }

        var goals = wordings?.Batch(step, random);
        var worded = texts.Count;
        texts.AddRange(goals?.Texts ?? []);

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

        if (goals is var (asked, wanted)) Add("wording", options.WordingWeight, 1 - (e[worded..(worded + asked.Length)] * wanted).Sum(1).Mean());

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
                    var some = labelled.Batch(step, options.LabelledPhotos).Select(i => cached.Labelled[i]).ToArray();
                    var photos = cached.Embed([.. some.Select(photo => photo.View)]).Normalized();
                    Add("labelled", options.LabelledWeight, (photos.Matmul(anchors!.T()) * options.ClassScale * 2).CrossEntropy(Tensor.From([.. some.Select(photo => (long)photo.Class)], some.Length)));
                }
            }
        }

        if (losses.Count == 0) throw new InvalidOperationException("pretraining: neither strings nor pictures to learn from");
        return (losses.Aggregate((a, b) => a + b), parts, texts.Count);
    }

    private int[] ViewsOf(long step) => [.. pairs.SelectMany(pair => pair.Sampler.Batch(step, pair.Count).Select(i => pair.Views[i]))];

    /// <summary>Half of the definitions lose a word in eight: people do not say all of it.</summary>
    private static string Shortened(string definition, Random random)
    {
        if (random.Next(2) == 0) return definition;
        var words = definition.Split(' ');
        var kept = words.Where(_ => random.Next(8) != 0).ToArray();
        return kept.Length > 1 ? string.Join(' ', kept) : definition;
    }
}
