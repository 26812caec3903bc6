using System.Collections.Concurrent;
using System.Text;

namespace Obverse.Models;

/// <summary>CLIP's byte-level byte-pair encoding, over any number of merges; safe to share between threads.</summary>
public sealed partial class BpeTokenizer
{
    /// <summary>Enough for every word of a caption collection; beyond it words are encoded but not remembered.</summary>
    private const int RememberedWords = 1 << 17;

    private readonly (string Left, string Right)[] merges;
    private readonly Dictionary<string, int> ids;
    private readonly string?[] symbols;
    private readonly Dictionary<long, (int Rank, int Merged)> pairs;
    private readonly ConcurrentDictionary<string, int[]> remembered = new(StringComparer.Ordinal);

    // Beside the dictionary, whose own Count takes all of its locks: once it is full, every new word would pay for that.
    private int rememberedCount;

    private BpeTokenizer((string Left, string Right)[] merges, Dictionary<string, int> ids, int startId, int endId, TokenizerFlavour flavour)
    {
        (this.merges, this.ids, StartId, EndId, Flavour) = (merges, ids, startId, endId, flavour);
        PaddingId = flavour.PadsWithEnd ? endId : 0;
        VocabularySize = Math.Max(Math.Max(startId, endId), ids.Values.Max()) + 1;
        symbols = new string?[VocabularySize];
        foreach (var (symbol, id) in ids) symbols[id] = symbol;

        pairs = new Dictionary<long, (int, int)>(merges.Length);
        for (var rank = 0; rank < merges.Length; rank++)
        {
            var (left, right) = merges[rank];
            pairs[Pair(ids[left], ids[right])] = (rank, ids[left + right]);
        }
    }

    public TokenizerFlavour Flavour { get; }
    public int StartId { get; }
    public int EndId { get; }

    /// <summary>What fills a row after the end id: 0, or the end id in transformers' flavour. Some checkpoints' files name another.</summary>
    public int PaddingId { get; private init; }

    public int VocabularySize { get; }

    /// <summary>The merges in rank order, in the printable alphabet of the merge file.</summary>
    public IReadOnlyList<(string Left, string Right)> Merges => merges;

    /// <summary>The ids of the text, without start and end, however long.</summary>
    public int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var found = new List<int>();
        foreach (var (piece, special) in Pieces(text))
        {
            if (special >= 0) found.Add(special);
            else foreach (var word in WordSplitter.Split(TextCleaning.Clean(piece, Flavour), Flavour)) AddWord(word, found);
        }

        return [.. found];
    }

    /// <summary>A row for a text tower: start, ids, end, padding; text that is too long loses its last ids, never the end.</summary>
    public int[] EncodeRow(string text, int contextLength = 77) => EncodeRow(text, contextLength, out _);

    /// <summary>The same; <paramref name="cut"/> says whether the text was too long, which openai/CLIP refuses unless asked to truncate.</summary>
    public int[] EncodeRow(string text, int contextLength, out bool cut)
    {
        if (contextLength < 2) throw new ArgumentOutOfRangeException(nameof(contextLength), contextLength, "a row has room for start and end: at least 2");
        var body = Encode(text);
        var kept = Math.Min(body.Length, contextLength - 2);
        cut = kept < body.Length;
        var row = new int[contextLength];
        row[0] = StartId;
        Array.Copy(body, 0, row, 1, kept);
        row[kept + 1] = EndId;
        Array.Fill(row, PaddingId, kept + 2, contextLength - kept - 2);
        return row;
    }

    /// <summary>A row without padding: start, ids, end; text that is too long for the context loses its last ids.</summary>
    public int[] EncodeUnpadded(string text, int contextLength = 77) => [StartId, .. Encode(text).Take(contextLength - 2), EndId];

    /// <summary>The first word of which a row of this length does not hold all ids, with its place counted from 1; null where the whole text fits.</summary>
    public (string Word, int Place)? FirstCut(string text, int contextLength = 77)
    {
        var (found, place) = (new List<int>(), 0);
        foreach (var word in Words(text))
        {
            place++;
            AddWord(word, found);
            if (found.Count > contextLength - 2) return (word, place);
        }

        return null;
    }

    /// <summary>The words that <see cref="Encode"/> splits a text into, after cleaning.</summary>
    public IReadOnlyList<string> Words(string text)
    {
        var words = new List<string>();
        foreach (var (piece, special) in Pieces(text))
        {
            if (special >= 0) words.Add(piece);
            else words.AddRange(WordSplitter.Split(TextCleaning.Clean(piece, Flavour), Flavour));
        }

        return words;
    }

    /// <summary>The text the ids spell, one space after each word, as the flavour's library gives it.</summary>
    public string Decode(IEnumerable<int> tokens)
    {
        var letters = new StringBuilder();
        foreach (var id in tokens)
        {
            if (id == StartId || id == EndId)
            {
                if (!Flavour.TrimsDecoded) letters.Append(id == StartId ? Flavour.StartWord : Flavour.EndWord);
                continue;
            }

            if (id < 0 || id >= symbols.Length || symbols[id] is not { } symbol)
            {
                throw new ArgumentOutOfRangeException(nameof(tokens), id, $"no such id; this vocabulary has 0 to {VocabularySize - 1}");
            }

            letters.Append(symbol);
        }

        var text = ByteAlphabet.Spell(letters.ToString()).Replace(ByteAlphabet.EndOfWord, " ", StringComparison.Ordinal);
        return Flavour.TrimsDecoded ? Trimmed(text) : text;
    }

    /// <summary>The same merges and ids under another library's rules.</summary>
    public BpeTokenizer As(TokenizerFlavour flavour) => new(merges, ids, StartId, EndId, flavour);

    /// <summary>Python's <c>strip</c>, which counts the four separator controls as space.</summary>
    private static string Trimmed(string text)
    {
        var (from, end) = (0, text.Length);
        while (from < end && IsSpace(text[from])) from++;
        while (end > from && IsSpace(text[end - 1])) end--;
        return text[from..end];

        static bool IsSpace(char letter) => char.IsWhiteSpace(letter) || letter is >= '\u001c' and <= '\u001f';
    }

    /// <summary>The same tokenizer with another id after the end: what a checkpoint's <c>special_tokens_map.json</c> names.</summary>
    public BpeTokenizer With(int paddingId) => new(merges, ids, StartId, EndId, Flavour) { PaddingId = paddingId };

    private static long Pair(int left, int right) => ((long)left << 32) | (uint)right;

    private IEnumerable<(string Piece, int Special)> Pieces(string text)
    {
        if (!Flavour.SpecialsBeforeCleaning)
        {
            yield return (text, -1);
            yield break;
        }

        var from = 0;
        for (var at = text.IndexOf('<', StringComparison.Ordinal); at >= 0; at = text.IndexOf('<', at))
        {
            var rest = text.AsSpan(at);
            var (length, id) = rest.StartsWith(Flavour.StartWord) ? (Flavour.StartWord.Length, StartId)
                : rest.StartsWith(Flavour.EndWord) ? (Flavour.EndWord.Length, EndId)
                : (0, -1);
            if (length == 0)
            {
                at++;
                continue;
            }

            if (at > from) yield return (text[from..at], -1);
            yield return (text.Substring(at, length), id);
            from = at += length;
        }

        if (from < text.Length) yield return (text[from..], -1);
    }

    private void AddWord(string word, List<int> found)
    {
        if (word == Flavour.StartWord) found.Add(StartId);
        else if (word == Flavour.EndWord) found.Add(EndId);
        else
        {
            if (!remembered.TryGetValue(word, out var known))
            {
                known = word.Length > LongWord ? MergeLong(Letters(word)) : Flavour.TakesSingulars ? Singular(word, Merge(Letters(word))) : Merge(Letters(word));
                if (word.Length <= LongWord && rememberedCount < RememberedWords && remembered.TryAdd(word, known)) Interlocked.Increment(ref rememberedCount);
            }

            found.AddRange(known);
        }
    }

    private int[] Singular(string word, int[] pieces)
    {
        if (pieces.Length == 1 && !Singulars.Seldom.Contains(word)) return pieces;
        var best = Singulars.Of(word).Select(one => Merge(Letters(one))).MinBy(found => found.Length);
        return best is not null && best.Length <= pieces.Length && (best.Length == 1 || !Singulars.IsDoubtful(word)) ? best : pieces;
    }

    private int[] Letters(string word)
    {
        var bytes = Encoding.UTF8.GetBytes(word);
        var letters = new int[bytes.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            var letter = ByteAlphabet.OfByte[bytes[i]].ToString();
            letters[i] = ids[i < bytes.Length - 1 ? letter : letter + ByteAlphabet.EndOfWord];
        }

        return letters;
    }

    private int[] Merge(int[] word)
    {
        var count = word.Length;
        while (count > 1)
        {
            var best = (Rank: int.MaxValue, Merged: -1);
            var pair = 0L;
            for (var i = 0; i + 1 < count; i++)
            {
                var here = Pair(word[i], word[i + 1]);
                if (pairs.TryGetValue(here, out var merge) && merge.Rank < best.Rank) (best, pair) = (merge, here);
            }

            if (best.Merged < 0) break;
            var kept = 0;
            for (var i = 0; i < count; kept++)
            {
                var merges = i + 1 < count && Pair(word[i], word[i + 1]) == pair;
                word[kept] = merges ? best.Merged : word[i];
                i += merges ? 2 : 1;
            }

            count = kept;
        }

        return word[..count];
    }
}
