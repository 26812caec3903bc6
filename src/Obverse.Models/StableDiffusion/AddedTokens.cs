using Obverse.Torch;

namespace Obverse.Models;

/// <summary>Words that a tuned model knows beside its vocabulary (Custom Diffusion's modifier tokens, <c>&lt;new1&gt;</c>), with a learned embedding each. Their ids follow the vocabulary's. It owns the embeddings.</summary>
public sealed class AddedTokens : IDisposable
{
    private readonly int first;

    /// <param name="names">As a prompt writes them.</param>
    /// <param name="embeddings">[names, width], float32.</param>
    /// <param name="vocabulary">Ids of the text encoder itself.</param>
    public AddedTokens(IReadOnlyList<string> names, Tensor embeddings, int vocabulary)
    {
        if (embeddings.Dims != 2 || embeddings.Size(0) != names.Count) throw new ArgumentException($"{names.Count} added tokens were given with embeddings of {embeddings}");
        if (names.FirstOrDefault(string.IsNullOrWhiteSpace) is not null) throw new ArgumentException("an added token has no name");
        (Names, Embeddings, first) = (names, embeddings, vocabulary);
    }

    public IReadOnlyList<string> Names { get; }
    public Tensor Embeddings { get; }

    /// <summary>Ids of a text, padded, as the tokenizer gives them where no added token is in it.</summary>
    public int[] EncodeRow(BpeTokenizer tokenizer, string text, int length)
    {
        if (!Names.Any(name => text.Contains(name, StringComparison.Ordinal))) return tokenizer.EncodeRow(text, length);
        int[] ids = [.. Split(text).SelectMany(piece => piece.Id is { } id ? [id] : tokenizer.Encode(piece.Text))];
        int[] row = [tokenizer.StartId, .. ids.Take(length - 2), tokenizer.EndId];
        return [.. row, .. Enumerable.Repeat(tokenizer.PaddingId, length - row.Length)];
    }

    /// <summary>A text in pieces: added tokens with their ids, and what stands between them.</summary>
    public IEnumerable<(string Text, int? Id)> Split(string text)
    {
        while (text.Length > 0)
        {
            var (at, which) = Names.Select((name, i) => (At: text.IndexOf(name, StringComparison.Ordinal), Which: i)).Where(found => found.At >= 0).DefaultIfEmpty((text.Length, -1)).MinBy(found => found.Item1);
            if (at > 0) yield return (text[..at], null);
            if (which < 0) yield break;
            yield return (Names[which], first + which);
            text = text[(at + Names[which].Length)..];
        }
    }

    /// <summary>Token rows without the added ones, for who looks for the end token.</summary>
    public Tensor Hidden(Tensor ids) => ids.MaskedFill(ids >= first, 0);

    /// <summary>Embeddings of token rows, [n, t, width]; gradients reach <see cref="Embeddings"/>.</summary>
    public Tensor Embed(TextTransformer text, Tensor ids)
    {
        var plain = text.Embed(Hidden(ids));
        var which = (ids - first).MaskedFill(ids < first, 0).Reshape(-1);
        var added = Embeddings.IndexSelect(0, which).Reshape(plain.Shape).To(plain.DType);
        return added.Where((ids >= first).Unsqueeze(-1), plain);
    }

    public void Dispose() => Embeddings.Dispose();
}
