using System.Runtime.InteropServices;
using System.Text;

namespace Obverse.Models;

/// <summary>Learns a small vocabulary of its own for a small model (Sennrich, Haddow and Birch 2016, algorithm 1, with pair counts kept up to date).</summary>
public sealed class BpeTrainer
{
    private readonly List<string> symbols = [];
    private readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    private readonly Dictionary<long, long> counts = [];
    private readonly Dictionary<long, HashSet<int>> holders = [];
    private readonly PriorityQueue<long, (long, long)> queue = new();
    private readonly List<int[]> words = [];
    private readonly List<long> frequencies = [];

    private BpeTrainer()
    {
        foreach (var letter in ByteAlphabet.Ordered) Symbol(letter.ToString());
        foreach (var letter in ByteAlphabet.Ordered) Symbol(letter + ByteAlphabet.EndOfWord);
    }

    /// <summary>
    /// The most frequent pair is merged first; of equals, the one whose parts have the lower ids. Equal lines in any order give equal merges:
    /// at most that many, fewer where no pair occurs <paramref name="atLeast"/> times any more.
    /// </summary>
    public static BpeTokenizer Train(IEnumerable<string> lines, int merges, int atLeast = 2, TokenizerFlavour? flavour = null)
    {
        ArgumentNullException.ThrowIfNull(lines);
        if (merges is < 1 or > BpeTokenizer.ClipMerges) throw new ArgumentOutOfRangeException(nameof(merges), merges, $"1 to {BpeTokenizer.ClipMerges} merges can be trained");
        flavour ??= TokenizerFlavour.OpenAi;
        var trainer = new BpeTrainer();
        trainer.Count(lines, flavour);
        var learned = trainer.Learn(merges, Math.Max(1, atLeast));
        if (learned.Count == 0) throw new ArgumentException($"no pair of letters occurs {atLeast} times in these lines; more text wanted", nameof(lines));
        return BpeTokenizer.FromMerges([.. learned], flavour, "trained merges");
    }

    private int Symbol(string spelling)
    {
        if (!ids.TryGetValue(spelling, out var id))
        {
            ids[spelling] = id = symbols.Count;
            symbols.Add(spelling);
        }

        return id;
    }

    private void Count(IEnumerable<string> lines, TokenizerFlavour flavour)
    {
        var table = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var line in lines)
        {
            foreach (var word in WordSplitter.Split(TextCleaning.Clean(line, flavour), flavour))
            {
                if (word == flavour.StartWord || word == flavour.EndWord) continue;
                table[word] = table.GetValueOrDefault(word) + 1;
            }
        }

        foreach (var (word, frequency) in table)
        {
            var bytes = Encoding.UTF8.GetBytes(word);
            var letters = new int[bytes.Length];
            for (var i = 0; i < bytes.Length; i++)
            {
                var letter = ByteAlphabet.OfByte[bytes[i]].ToString();
                letters[i] = ids[i < bytes.Length - 1 ? letter : letter + ByteAlphabet.EndOfWord];
            }

            words.Add(letters);
            frequencies.Add(frequency);
            Add(words.Count - 1, frequency, changed: null);
        }
    }

    private List<(string, string)> Learn(int merges, int atLeast)
    {
        var learned = new List<(string, string)>(merges);
        foreach (var (pair, count) in counts) queue.Enqueue(pair, (-count, pair));

        var changed = new HashSet<long>();
        while (learned.Count < merges && queue.TryDequeue(out var pair, out var order))
        {
            // Counts that fell are noticed here; counts that rose were queued again when they did.
            var count = counts.GetValueOrDefault(pair);
            if (count < atLeast) continue;
            if (count != -order.Item1)
            {
                if (count < -order.Item1) queue.Enqueue(pair, (-count, pair));
                continue;
            }

            var (left, right) = ((int)(pair >> 32), (int)pair);
            var merged = Symbol(symbols[left] + symbols[right]);
            learned.Add((symbols[left], symbols[right]));

            changed.Clear();
            foreach (var word in holders[pair].ToArray())
            {
                Add(word, -frequencies[word], changed);
                words[word] = Replace(words[word], left, right, merged);
                Add(word, frequencies[word], changed);
            }

            counts.Remove(pair);
            holders.Remove(pair);
            foreach (var other in changed)
            {
                if (counts.TryGetValue(other, out var now) && now > 0) queue.Enqueue(other, (-now, other));
            }
        }

        return learned;
    }

    private void Add(int word, long frequency, HashSet<long>? changed)
    {
        var letters = words[word];
        for (var i = 0; i + 1 < letters.Length; i++)
        {
            var pair = ((long)letters[i] << 32) | (uint)letters[i + 1];
            CollectionsMarshal.GetValueRefOrAddDefault(counts, pair, out _) += frequency;
            ref var held = ref CollectionsMarshal.GetValueRefOrAddDefault(holders, pair, out _);
            held ??= [];
            if (frequency > 0) held.Add(word);
            else held.Remove(word);
            changed?.Add(pair);
        }
    }

    private static int[] Replace(int[] word, int left, int right, int merged)
    {
        var shorter = new List<int>(word.Length - 1);
        for (var i = 0; i < word.Length; i++)
        {
            var here = i + 1 < word.Length && word[i] == left && word[i + 1] == right;
            shorter.Add(here ? merged : word[i]);
            if (here) i++;
        }

        return [.. shorter];
    }
}
