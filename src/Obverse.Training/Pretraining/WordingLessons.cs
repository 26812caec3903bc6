using Obverse.Evaluation;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>How many wordings of each kind a batch has.</summary>
public sealed record WordingOptions
{
    public ulong Seed { get; init; } = 7;

    /// <summary>Names of classes in any neutral words (<see cref="Wordings.Neutral"/>): to the class's anchor.</summary>
    public int Names { get; init; } = 72;

    /// <summary>Share of the names that are plurals whatever else: each plural is a word of its own to learn.</summary>
    public double Plurals { get; init; }

    /// <summary>Strings of the teacher, bare or framed: to where the encoder had the bare string at the start.</summary>
    public int Strings { get; init; } = 64;

    /// <summary>Definitions as they are, held where the encoder had them: the free-form phrases that it understands.</summary>
    public int Glosses { get; init; } = 24;

    /// <summary>Captions and names of drawings, held where the encoder had them: a tuning that sees no picture forgets them first.</summary>
    public int Drawings { get; init; } = 48;

    /// <summary>Names in the words of a style (<see cref="PaintedStyles"/>): to the anchor, moved as the style moves photographs.</summary>
    public int Styles { get; init; } = 40;

    /// <summary>How far a style moves an anchor, both being of length 1: at 0.6 their cosine is 0.86 where the style lies across.</summary>
    public double StyleShift { get; init; } = 0.6;
}

/// <summary>
/// Texts and the embedding that each should have: what a tuning of a finished text encoder learns from, so that the frame of a sentence moves nothing and a style moves
/// it as the style moves pictures. Targets need no picture but those that the styles were measured on.
/// </summary>
/// <param name="options">How many of each.</param>
/// <param name="start">The encoder as it was: [n] strings to [n, D].</param>
/// <param name="lessons">Names and strings.</param>
/// <param name="anchors">[classes, D].</param>
/// <param name="styles">By <see cref="PaintedStyle.Name"/> the direction [D] in which the style moves embeddings, of length 1.</param>
/// <param name="drawings">Entries of a picture set whose captions and names are to stay what they are, or none.</param>
public sealed class WordingLessons(WordingOptions options, TextEmbedder start, TextLessons lessons, Tensor anchors, IReadOnlyDictionary<string, Tensor> styles, IReadOnlyList<PictureEntry>? drawings = null)
{
    private readonly IReadOnlyList<PictureEntry> drawings = [.. (drawings ?? []).Where(entry => !entry.IsPhoto)];
    private readonly Dictionary<string, int> named = lessons.Names.GroupBy(name => name.Text).ToDictionary(group => group.Key, group => group.First().Class);
    private readonly Dictionary<string, string> singulars = Singulars(lessons);
    private readonly ShuffledSampler drawn = new(drawings?.Count(entry => !entry.IsPhoto) ?? 0, options.Seed, 305);
    private readonly ShuffledSampler names = new(lessons.Names.Count, options.Seed, 301), strings = new(lessons.Strings.Count, options.Seed, 302), styled = new(lessons.Names.Count, options.Seed, 303), glosses = new(lessons.Glosses.Count, options.Seed, 304);
    private readonly PaintedStyle[] known = [.. PaintedStyles.All.Where(style => styles.ContainsKey(style.Name))];

    /// <summary>The texts of a step and the embeddings they should have, [texts, D], of length 1.</summary>
    public (string[] Texts, Tensor Targets) Batch(long step, Random random)
    {
        List<string> texts = [], bare = [];
        List<long> classes = [];
        foreach (var i in names.Batch(step, options.Names))
        {
            texts.Add(Wordings.Neutral(lessons.Names[i].Text, random, options.Plurals));
            classes.Add(lessons.Names[i].Class);
        }

        List<Tensor> targets = [Anchors(classes)];
        if (known.Length > 0)
        {
            List<long> painted = [];
            List<Tensor> shifts = [];
            foreach (var i in styled.Batch(step, options.Styles))
            {
                var style = known[random.Next(known.Length)];
                texts.Add(style.InWords(lessons.Names[i].Text, random));
                painted.Add(lessons.Names[i].Class);
                shifts.Add(styles[style.Name].Unsqueeze(0));
            }

            if (painted.Count > 0) targets.Add((Anchors(painted) + Tensor.Cat(shifts) * options.StyleShift).Normalized());
        }

        void Say(string text)
        {
            bare.Add(text);
            texts.Add(random.Next(3) == 0 ? text : text.Count(letter => letter == ' ') < 3 ? Wordings.Neutral(text, random, options.Plurals) : Wordings.Framed(text, random));
        }

        // Of a plural ("castles") the teacher has a string of its own, which would hold it where it was: it means what the singular means.
        List<(string Text, int Class)> plurals = [];
        foreach (var i in strings.Batch(step, options.Strings))
        {
            var text = Wordings.Bare(lessons.Strings[i].Text);
            if (!singulars.TryGetValue(text, out var one)) Say(text);
            else if (named.TryGetValue(one, out var known)) plurals.Add((text, known));
            else
            {
                bare.Add(one);
                texts.Add(text);
            }
        }

        foreach (var i in drawn.Batch(step, this.drawings.Count == 0 ? 0 : options.Drawings))
        {
            var entry = this.drawings[i];
            var caption = random.Next(3) switch
            {
                0 => entry.Name,
                1 => PocketExam.DrawingTemplates[random.Next(PocketExam.DrawingTemplates.Count)].Replace("{}", entry.Name, StringComparison.Ordinal),
                _ => Captions.Drawing(entry, Backdrop.All[random.Next(Backdrop.All.Count)], random),
            };
            if (caption == entry.Name && random.Next(2) == 0) Say(entry.Name);
            else
            {
                bare.Add(caption);
                texts.Add(caption);
            }
        }

        foreach (var i in glosses.Batch(step, options.Glosses))
        {
            bare.Add(lessons.Glosses[i].Text);
            texts.Add(lessons.Glosses[i].Text);
        }

        if (bare.Count > 0)
        {
            using var still = new NoGrad();
            targets.Add(start(bare).Normalized());
        }

        if (plurals.Count > 0)
        {
            texts.AddRange(plurals.Select(plural => plural.Text));
            targets.Add(Anchors([.. plurals.Select(plural => (long)plural.Class)]));
        }

        return ([.. texts], Tensor.Cat(targets));
    }

    /// <summary>The direction of a style: the mean move of photographs that are done over in it, of length 1. [D].</summary>
    /// <param name="style">Which.</param>
    /// <param name="photos">RGB bytes [side, side, 3].</param>
    /// <param name="side">In pixels.</param>
    /// <param name="towers">Image encoders of one space, [n, 3, side, side] in 0 … 1 to [n, D]; each has the same say.</param>
    public static Tensor Direction(PaintedStyle style, IReadOnlyList<byte[]> photos, int side, IReadOnlyList<Func<Tensor, Tensor>> towers)
    {
        using var still = new NoGrad();
        return TensorScope.Of(() =>
        {
            byte[][] painted = [.. photos.AsParallel().AsOrdered().Select(photo => style.Paint(photo, side))];
            return towers.Select(tower => (PictureBatches.Run(painted, side, tower).Normalized().Mean(0) - PictureBatches.Run(photos, side, tower).Normalized().Mean(0)).Unsqueeze(0).Normalized())
                .Aggregate((a, b) => a + b).Normalized().Squeeze(0);
        });
    }

    /// <summary>By the plural, the string or name of which it is one.</summary>
    private static Dictionary<string, string> Singulars(TextLessons lessons)
    {
        Dictionary<string, string> all = [];
        foreach (var text in lessons.Names.Select(name => name.Text).Concat(lessons.Strings.Select(lesson => lesson.Text).Where(text => text.Count(letter => letter == ' ') < 3 && !English.IsPlural(text))))
            if (English.Plural(text) is var many && many != text) all.TryAdd(many, text);
        return all;
    }

    private Tensor Anchors(List<long> classes) => anchors.IndexSelect(0, Tensor.From([.. classes], classes.Count)).Normalized();
}
