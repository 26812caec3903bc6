using Obverse.Models;

namespace Obverse.Diffusion;

/// <summary>How a prompt's weights act on its rows.</summary>
public enum Emphasis
{
    /// <summary>A token's row is multiplied by its weight, then all rows of the chunk by one number, so that their mean stays (AUTOMATIC1111's "Original").</summary>
    Scale,

    /// <summary>A row moves away from, or toward, the empty prompt's row in its place: empty + weight (row - empty) (ComfyUI).</summary>
    Empty,

    /// <summary>Brackets are text.</summary>
    None,
}

/// <summary>A token of a prompt: its id, its weight, and the word that it is of.</summary>
/// <param name="Word">As the tokenizer cleans it; null: start, end or padding.</param>
public readonly record struct PromptToken(int Id, double Weight, string? Word);

/// <summary>
/// A prompt of any length as token rows: chunks of as many tokens as the text encoder's context holds between start and end (75 of 77), each a row of its own. A chunk that would cut a phrase
/// ends at a comma, where one is among its last tokens (20 of 75), as in AUTOMATIC1111's web UI (modules/sd_hijack_clip.py, tokenize_line).
/// </summary>
public sealed class PromptTokens
{
    private PromptTokens(IReadOnlyList<IReadOnlyList<PromptToken>> chunks) => Chunks = chunks;

    /// <summary>One or more, each of the context's length.</summary>
    public IReadOnlyList<IReadOnlyList<PromptToken>> Chunks { get; }

    /// <summary>The words in their order, each once.</summary>
    public IReadOnlyList<string> Words => [.. Chunks.SelectMany(chunk => chunk).Select(token => token.Word).OfType<string>().Distinct()];

    /// <summary>Whether any token has a weight.</summary>
    public bool IsWeighted => Chunks.Any(chunk => chunk.Any(token => token.Weight != 1));

    /// <summary>Of a model's text encoder, the words that a tuned one knows beside it among them.</summary>
    /// <exception cref="FormatException">A weight that is none.</exception>
    public static PromptTokens Of(StableDiffusionModel model, string text, Emphasis emphasis = Emphasis.Scale) => Of(model.Tokenizer, model.Rows, text, emphasis, model.Added);

    /// <param name="tokenizer">The text encoder's.</param>
    /// <param name="length">Tokens a row, start and end among them.</param>
    /// <param name="text">The prompt.</param>
    /// <param name="emphasis">Whether brackets are weights.</param>
    /// <param name="added">Words beside its vocabulary.</param>
    /// <exception cref="FormatException">A weight that is none.</exception>
    public static PromptTokens Of(BpeTokenizer tokenizer, int length, string text, Emphasis emphasis = Emphasis.Scale, AddedTokens? added = null)
    {
        var (room, spelling) = (length - 2, tokenizer.As(TokenizerFlavour.OpenAi));
        int? comma = tokenizer.Encode(",") is [var only] ? only : null;
        var backtrack = 20 * room / 75;
        List<List<PromptToken>> chunks = [];
        List<PromptToken> chunk = [];
        var lastComma = -1;
        void Next()
        {
            chunks.Add(chunk);
            (chunk, lastComma) = ([], -1);
        }

        foreach (var fragment in emphasis == Emphasis.None ? [new(text, 1)] : WeightedPrompt.Parse(text))
        {
            if (fragment.Text is null)
            {
                Next();
                continue;
            }

            foreach (var (id, word) in (added?.Split(fragment.Text) ?? [(fragment.Text, null)]).SelectMany(piece => piece.Id is { } known ? [(known, piece.Text)] : Spelled(tokenizer.Encode(piece.Text), spelling)))
            {
                if (id == comma) lastComma = chunk.Count;
                else if (chunk.Count == room && lastComma != -1 && chunk.Count - lastComma <= backtrack)
                {
                    List<PromptToken> moved = chunk[(lastComma + 1)..];
                    chunk.RemoveRange(lastComma + 1, moved.Count);
                    Next();
                    chunk = moved;
                }

                if (chunk.Count == room) Next();
                chunk.Add(new(id, fragment.Weight, word));
            }
        }

        if (chunk.Count > 0 || chunks.Count == 0) Next();
        return new([.. chunks.Select(one => (IReadOnlyList<PromptToken>)
            [new(tokenizer.StartId, 1, null), .. one, new(tokenizer.EndId, 1, null), .. Enumerable.Repeat(new PromptToken(tokenizer.PaddingId, 1, null), room - one.Count)])]);
    }

    // Ids with the words that they are pieces of: the last piece of a word has a space behind it.
    private static IEnumerable<(int Id, string Word)> Spelled(int[] ids, BpeTokenizer spelling)
    {
        for (var from = 0; from < ids.Length;)
        {
            var to = from;
            while (to < ids.Length - 1 && !spelling.Decode([ids[to]]).EndsWith(' ')) to++;
            var word = spelling.Decode(ids[from..(to + 1)]).Trim();
            for (; from <= to; from++) yield return (ids[from], word);
        }
    }
}
