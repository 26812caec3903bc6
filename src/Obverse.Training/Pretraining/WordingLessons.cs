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
public sealed class WordingLessons(WordingOptions options, TextEmbedder start, TextLessons lessons, Tensor anchors, IReadOnlyDictionary<string, Tensor> styles)
{
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

        foreach (var i in strings.Batch(step, options.Strings))
        {
            var text = Wordings.Bare(lessons.Strings[i].Text);
            bare.Add(text);
            texts.Add(random.Next(3) == 0 ? text : text.Count(letter => letter == ' ') < 3 ? Wordings.Neutral(text, random, options.Plurals) : Wordings.Framed(text, random));
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

    private Tensor Anchors(List<long> classes) => anchors.IndexSelect(0, Tensor.From([.. classes], classes.Count)).Normalized();
}
