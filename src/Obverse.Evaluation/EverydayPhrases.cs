using System.Globalization;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>A free-form phrase that names no class, with the classes that count as right: a test of the text encoder.</summary>
public sealed record EverydayPhrase(string Text, IReadOnlyList<int> Classes)
{
    /// <summary>Lines of "phrase, tab, class numbers separated by semicolons"; lines that start with # are comments.</summary>
    public static IReadOnlyList<EverydayPhrase> Load(string path) => Parse(File.ReadAllText(path), path);

    public static IReadOnlyList<EverydayPhrase> Parse(string text, string origin) =>
    [
        .. text.Split('\n').Select((line, i) => (Line: line.TrimEnd('\r'), Number: i + 1)).Where(l => l.Line.Length > 0 && l.Line[0] != '#').Select(l => l.Line.Split('\t') is [var phrase, var classes]
            ? new EverydayPhrase(phrase, [.. classes.Split(';').Select(c => int.Parse(c, CultureInfo.InvariantCulture))])
            : throw new InvalidDataException($"'{origin}', line {l.Number}: wanted a phrase, a tab and class numbers")),
    ];

    /// <summary>The phrase's own embedding against those of the class names, by cosine.</summary>
    /// <param name="phrases">The phrases.</param>
    /// <param name="embed">The text encoder.</param>
    /// <param name="names">The class names' embeddings, see <see cref="ZeroShot.Classifier"/>: [classes, D].</param>
    public static TopAccuracy Accuracy(IReadOnlyList<EverydayPhrase> phrases, TextEmbedder embed, Tensor names)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        return ZeroShot.Accuracy(embed([.. phrases.Select(p => p.Text)]), names, [.. phrases.Select(p => p.Classes)]);
    }
}
