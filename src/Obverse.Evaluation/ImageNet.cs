namespace Obverse.Evaluation;

/// <summary>The 1,000 classes of ImageNet: the names of zero-shot tests and of the judge.</summary>
public static class ImageNet
{
    private static readonly Lazy<IReadOnlyList<ClassName>> classes = new(() =>
    {
        using var stream = typeof(ImageNet).Assembly.GetManifestResourceStream("imagenet-classes.json")!;
        var text = new byte[stream.Length];
        stream.ReadExactly(text);
        return ClassName.Parse(text, "imagenet-classes.json");
    });

    /// <summary>In the order of classifiers.</summary>
    public static IReadOnlyList<ClassName> Classes => classes.Value;

    /// <summary>The classes that a text names: "a tabby cat" names one; of a name that occurs twice, both. Empty for all else.</summary>
    public static IReadOnlyList<int> NamedBy(string text)
    {
        var word = Word(text);
        int[] exact = [.. Classes.Where(c => Word(c.ClipName) == word).Select(c => c.Index)];
        return exact.Length > 0 ? exact : [.. Classes.Where(c => c.Synonyms.Any(name => Word(name) == word)).Select(c => c.Index)];
    }

    // Lower case, without the article and the full stop.
    private static string Word(string text)
    {
        var word = text.Trim().TrimEnd('.').ToLowerInvariant();
        foreach (var article in new[] { "a ", "an ", "the " }) if (word.StartsWith(article, StringComparison.Ordinal)) return word[article.Length..].Trim();
        return word;
    }
}
