namespace Obverse.Models;

public sealed partial class BpeTokenizer
{
    /// <summary>Letters from which on a word is merged with a queue, and not remembered.</summary>
    private const int LongWord = 128;

    /// <summary>The same ids as <see cref="Merge"/>, in time that grows with the length and not with its square: what is no word can be a million letters long.</summary>
    private int[] MergeLong(int[] word)
    {
        int[] next = [.. Enumerable.Range(1, word.Length)], previous = [.. Enumerable.Range(-1, word.Length)];
        var waiting = new PriorityQueue<long, (int Rank, int Place)>();
        var merged = new List<int>();
        for (var i = 0; i < word.Length; i++) Offer(i);
        while (waiting.TryPeek(out var pair, out var best))
        {
            // One pass: every place of this pair, left to right; what the pass makes is looked at after it.
            merged.Clear();
            var symbol = pairs[pair].Merged;
            while (waiting.TryPeek(out _, out var top) && top.Rank == best.Rank)
            {
                waiting.Dequeue();
                var (at, right) = (top.Place, next[top.Place]);
                if (word[at] < 0 || right >= word.Length || Pair(word[at], word[right]) != pair) continue;
                (word[at], word[right]) = (symbol, -1);
                next[at] = next[right];
                if (next[at] < word.Length) previous[next[at]] = at;
                merged.Add(at);
            }

            foreach (var at in merged)
            {
                if (word[at] < 0) continue;
                if (previous[at] >= 0) Offer(previous[at]);
                Offer(at);
            }
        }

        return [.. word.Where(id => id >= 0)];

        void Offer(int at)
        {
            if (next[at] < word.Length && pairs.TryGetValue(Pair(word[at], word[next[at]]), out var merge)) waiting.Enqueue(Pair(word[at], word[next[at]]), (merge.Rank, at));
        }
    }
}
