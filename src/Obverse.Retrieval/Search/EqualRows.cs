using System.Runtime.InteropServices;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>
/// Rows that are equal to the bit, as those of equal captions are: the first of its kind stands for the others. A graph among copies leads from one to the next: of 20,000 rows in 200 kinds, it finds two
/// thirds of the nearest (docs/index.md).
/// </summary>
public sealed unsafe class EqualRows
{
    private readonly int[] next; // the next row of the same kind; -1: none

    private EqualRows(long[] first, int[] next) => (First, this.next) = (first, next);

    /// <summary>The first row of each kind, ascending.</summary>
    public long[] First { get; }

    /// <summary>Among rows [n, d], float32 on the processor.</summary>
    public static EqualRows Of(Tensor rows)
    {
        using var plain = TensorScope.Of(() => rows.Detach().To(Device.Cpu, DType.Float32).Contiguous());
        var (count, first) = (checked((int)plain.Size(0)), new List<long>());
        var (next, last) = (new int[count], new Dictionary<int, int>(new ByBytes(plain.Data, (int)plain.Size(1) * sizeof(float)))); // last: of the kind of a row
        for (var row = 0; row < count; row++)
        {
            ref var before = ref CollectionsMarshal.GetValueRefOrAddDefault(last, row, out var known);
            if (known) next[before] = row;
            else first.Add(row);
            (before, next[row]) = (row, -1);
        }

        return new([.. first], next);
    }

    /// <summary>A row that is the first of its kind, and the others, ascending.</summary>
    public IEnumerable<long> From(long first)
    {
        for (var row = (int)first; row >= 0; row = next[row]) yield return row;
    }

    private sealed class ByBytes(nint data, int width) : IEqualityComparer<int>
    {
        public bool Equals(int a, int b) => Row(a).SequenceEqual(Row(b));

        public int GetHashCode(int row)
        {
            var hash = new HashCode();
            hash.AddBytes(Row(row)[..Math.Min(width, 64)]); // sixteen numbers tell rows apart that are not equal
            return hash.ToHashCode();
        }

        private ReadOnlySpan<byte> Row(int row) => new((byte*)data + (nint)row * width, width);
    }
}
