using Obverse.Evaluation;
using Obverse.Models;

namespace Obverse.Training;

/// <summary>A string to learn, the row of the teacher that says what it means, and the class it names or defines (-1: none).</summary>
public readonly record struct TextLesson(string Text, int Row, int Class);

/// <summary>What the text tower learns from: strings of the teacher, definitions, and the names of the classes.</summary>
public sealed class TextLessons
{
    private const int DevelopmentEvery = 50;

    private TextLessons(TextTeacher teacher, TextLesson[] strings, TextLesson[] development, TextLesson[] glosses, TextLesson[] definitions, TextLesson[] names) =>
        (Teacher, Strings, Development, Glosses, Definitions, Names) = (teacher, strings, development, glosses, definitions, names);

    public TextTeacher Teacher { get; }

    /// <summary>The teacher's strings, less <see cref="Development"/>.</summary>
    public IReadOnlyList<TextLesson> Strings { get; }

    /// <summary>One string of the teacher in fifty, never trained on: rates and weights are chosen by these.</summary>
    public IReadOnlyList<TextLesson> Development { get; }

    /// <summary>Definitions of nouns; they mean what the noun means, or where the teacher does not know it the nearest kind of thing that it knows.</summary>
    public IReadOnlyList<TextLesson> Glosses { get; }

    /// <summary>Definitions of classes.</summary>
    public IReadOnlyList<TextLesson> Definitions { get; }

    /// <summary>Names and synonyms of classes.</summary>
    public IReadOnlyList<TextLesson> Names { get; }

    /// <param name="teacher">Strings and embeddings.</param>
    /// <param name="classes">Whose anchors are exact.</param>
    /// <param name="nouns">Definitions, or none.</param>
    /// <param name="heldOut">Strings that must not be seen.</param>
    public static TextLessons Of(TextTeacher teacher, IReadOnlyList<ClassName> classes, IReadOnlyList<Gloss>? nouns = null, IEnumerable<string>? heldOut = null)
    {
        var forbidden = (heldOut ?? []).Select(text => text.ToLowerInvariant()).ToHashSet();
        bool Allowed(string text) => !forbidden.Contains(text.ToLowerInvariant());
        TextLesson[] names = [.. teacher.Names.Select(name => new TextLesson(name.Name, teacher.Find(name.Name)!.Value, name.Class))];
        var isName = names.Select(name => name.Text).ToHashSet();
        List<TextLesson> strings = [], development = [];
        for (var i = 0; i < teacher.Strings.Count; i++)
        {
            var text = teacher.Strings[i];
            if (!Allowed(text)) continue;
            // A hash of the text, not its place: the strings stand in groups.
            var aside = !isName.Contains(text) && Hash(text) % DevelopmentEvery == 0;
            (aside ? development : strings).Add(new(text, i, -1));
        }

        var aloof = development.Select(lesson => lesson.Text).ToHashSet();
        List<TextLesson> glosses = [], definitions = [];
        if (nouns is not null)
        {
            var ofClasses = WordNet.OfClasses(nouns, classes);
            for (var c = 0; c < classes.Count; c++)
            {
                if (ofClasses[c] is { } gloss && Allowed(gloss.Definition) && teacher.Find(classes[c].ClipName) is { } row) definitions.Add(new(gloss.Definition, row, c));
            }

            var defined = ofClasses.OfType<Gloss>().ToHashSet();
            foreach (var gloss in nouns)
            {
                if (defined.Contains(gloss) || !Allowed(gloss.Definition)) continue;
                var known = gloss.Mainly.Concat(gloss.Kinds).FirstOrDefault(lemma => teacher.Find(lemma) is not null && !aloof.Contains(lemma));
                if (known is not null) glosses.Add(new(gloss.Definition, teacher.Find(known)!.Value, -1));
            }
        }

        return new(teacher, [.. strings], [.. development], [.. glosses], [.. definitions], names);
    }

    /// <summary>A name bare, in a template of clip.md 1.9, or after an article.</summary>
    internal static string InWords(string name, Random random) => random.Next(10) switch
    {
        < 3 => name,
        < 4 => English.WithArticle(name),
        _ => ImageNetTemplates.Fill(ImageNetTemplates.All[random.Next(ImageNetTemplates.All.Count)], name),
    };

    private static uint Hash(string text)
    {
        var hash = 2166136261u; // FNV-1a
        foreach (var letter in text) hash = (hash ^ letter) * 16777619u;
        return hash ^ hash >> 15;
    }
}
