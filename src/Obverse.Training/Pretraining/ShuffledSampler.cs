using Obverse.Torch;

namespace Obverse.Training;

/// <summary>Samples 0 … n-1 without replacement, in a new random order each epoch. A step's batch is a function of seed and step alone, so a run can be resumed anywhere.</summary>
public sealed class ShuffledSampler(int count, ulong seed, ulong part)
{
    private readonly Dictionary<long, long[]> orders = [];

    public int[] Batch(long step, int size)
    {
        if (count == 0) return [];
        var batch = new int[size];
        for (var i = 0; i < size; i++)
        {
            var at = step * size + i;
            batch[i] = (int)Order(at / count)[at % count];
        }

        return batch;
    }

    private long[] Order(long epoch)
    {
        if (orders.TryGetValue(epoch, out var order)) return order;
        if (orders.Count > 1) orders.Clear(); // a batch spans two epochs at most, unless it is larger than one
        using var random = Generator.For(seed, part, (ulong)epoch);
        using var shuffled = random.Permutation(count);
        return orders[epoch] = shuffled.ToArray<long>();
    }
}
