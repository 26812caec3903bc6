using System.Globalization;
using System.Text.RegularExpressions;

namespace Obverse.Diffusion;

/// <summary>A piece of a prompt with the weight of its tokens; a text of null ends the chunk (BREAK).</summary>
public sealed record PromptFragment(string? Text, double Weight);

/// <summary>
/// A prompt as it is written for AUTOMATIC1111's web UI (modules/prompt_parser.py, parse_prompt_attention): <c>(word)</c> is 1.1, <c>[word]</c> 1/1.1, <c>(word:1.3)</c> 1.3, nested ones are
/// multiplied; <c>\(</c> <c>\)</c> <c>\[</c> <c>\]</c> <c>\\</c> are letters; BREAK starts a new chunk. What is not closed reaches to the end.
/// </summary>
public static partial class WeightedPrompt
{
    private const double Step = 1.1, Most = 100;

    /// <exception cref="FormatException">A weight that is none, or prompt editing, which is not built.</exception>
    public static IReadOnlyList<PromptFragment> Parse(string text)
    {
        if (Editing().Match(text) is { Success: true } editing) throw new FormatException($"{editing.Value}: prompts that change while they are drawn are not built; write \\[ and \\] for brackets that are text");
        List<PromptFragment> found = [];
        Stack<int> round = new(), square = new();
        void Multiply(int from, double by)
        {
            for (var i = from; i < found.Count; i++) found[i] = found[i] with { Weight = found[i].Weight * by };
        }

        foreach (Match token in Tokens().Matches(text))
        {
            var (piece, weight) = (token.Value, token.Groups["weight"]);
            if (piece[0] == '\\') found.Add(new(piece[1..], 1));
            else if (piece == "(") round.Push(found.Count);
            else if (piece == "[") square.Push(found.Count);
            else if (weight.Success && round.Count > 0) Multiply(round.Pop(), Number(weight.Value));
            else if (piece == ")" && round.Count > 0) Multiply(round.Pop(), Step);
            else if (piece == "]" && square.Count > 0) Multiply(square.Pop(), 1 / Step);
            else
            {
                foreach (var (part, i) in Break().Split(piece).Select((part, i) => (part, i)))
                {
                    if (i > 0) found.Add(new(null, 1));
                    if (part.Length > 0) found.Add(new(part, 1));
                }
            }
        }

        foreach (var from in round) Multiply(from, Step);
        foreach (var from in square) Multiply(from, 1 / Step);
        return Joined(found);
    }

    /// <summary>The fragments that have a weight, to be shown: "fox" 1.3; null where there are none.</summary>
    public static string? Reading(string text)
    {
        string[] weighted = [.. Parse(text).Where(one => one.Text is { } piece && piece.Trim().Length > 0 && one.Weight != 1).Select(one => string.Create(CultureInfo.InvariantCulture, $"\"{one.Text!.Trim()}\" {one.Weight:0.###}"))];
        return weighted.Length > 0 ? $"weights: {string.Join(", ", weighted)}" : null;
    }

    private static List<PromptFragment> Joined(List<PromptFragment> found)
    {
        List<PromptFragment> joined = [];
        foreach (var one in found)
        {
            if (joined is [.., { Text: { } before } last] && one.Text is { } piece && last.Weight == one.Weight) joined[^1] = last with { Text = before + piece };
            else joined.Add(one);
        }

        return joined;
    }

    private static double Number(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && Math.Abs(weight) <= Most ? weight
        : throw new FormatException(FormattableString.Invariant($"the weight '{text}' was given in a prompt, a number from {-Most} to {Most} was wanted"));

    [GeneratedRegex(@"\\[()\[\]\\]|\\|\(|\[|:\s*(?<weight>[+-]?[.\d]+)\s*\)|\)|\]|[^\\()\[\]:]+|:", RegexOptions.CultureInvariant)]
    private static partial Regex Tokens();

    [GeneratedRegex(@"\s*\bBREAK\b\s*", RegexOptions.CultureInvariant)]
    private static partial Regex Break();

    // [from:to:0.5], [word:0.5] and [a|b]
    [GeneratedRegex(@"(?<!\\)\[[^\[\]]*(:\s*[\d.]+\s*|\|[^\[\]]*)(?<!\\)\]", RegexOptions.CultureInvariant)]
    private static partial Regex Editing();
}
