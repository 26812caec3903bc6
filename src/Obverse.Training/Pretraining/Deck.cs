using Obverse.Torch;

namespace Obverse.Training;

/// <summary>Deals the numbers 0 … n-1 in a new random order each time round. What a step gets is a function of seed and step alone, so a run can be taken up anywhere.</summary>
public sealed class Deck(int cards, ulong seed, ulong part)
{
    private readonly Dictionary<long, long[]> orders = [];

    public int[] Deal(long step, int count)
    {
        if (cards == 0) return [];
        var hand = new int[count];
        for (var i = 0; i < count; i++)
        {
            var at = step * count + i;
            hand[i] = (int)Order(at / cards)[at % cards];
        }

        return hand;
    }

    private long[] Order(long round)
    {
        if (orders.TryGetValue(round, out var order)) return order;
        if (orders.Count > 1) orders.Clear(); // a hand spans two rounds at most, unless there are few cards
        using var random = Generator.For(seed, part, (ulong)round);
        using var shuffled = random.Permutation(cards);
        return orders[round] = shuffled.ToArray<long>();
    }
}
