using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>Features of a set, a row each, read in blocks: from memory, or from a file that is larger than it.</summary>
public abstract class FeatureRows
{
    private const int BlockRows = 1024;

    /// <summary>How many rows.</summary>
    public abstract int Count { get; }

    /// <summary>Numbers a row.</summary>
    public abstract int Width { get; }

    /// <summary>Those rows, in that order: [rows, <see cref="Width"/>].</summary>
    public abstract Tensor Read(ReadOnlySpan<int> rows);

    /// <summary>Rows at hand, [n, d]; they stay the caller's.</summary>
    public static FeatureRows Of(Tensor rows) => rows.Dims == 2 ? new InMemory(rows) : throw new ArgumentException($"features [{string.Join(", ", rows.Shape)}] were given; [n, d] are wanted");

    /// <summary>Some of the rows, which may repeat.</summary>
    public FeatureRows Subset(IReadOnlyList<int> rows) => new Some(this, [.. rows]);

    /// <summary>All rows: [n, d].</summary>
    public Tensor All() => Read([.. Enumerable.Range(0, Count)]);

    /// <summary>Shows every row once, in order, in blocks of [some, d] that are gone afterwards; the number is that of a block's first row.</summary>
    public void Blocks(Action<Tensor, int> show, int size = BlockRows)
    {
        for (var at = 0; at < Count; at += size)
        {
            using var scope = new TensorScope();
            using var still = new NoGrad();
            show(Read([.. Enumerable.Range(at, Math.Min(size, Count - at))]), at);
        }
    }

    private sealed class InMemory(Tensor rows) : FeatureRows
    {
        public override int Count => (int)rows.Size(0);
        public override int Width => (int)rows.Size(1);

        public override Tensor Read(ReadOnlySpan<int> wanted)
        {
            var isRun = true;
            for (var i = 1; i < wanted.Length; i++) isRun &= wanted[i] == wanted[0] + i;
            if (isRun && wanted.Length > 0) return rows.Detach().Narrow(0, wanted[0], wanted.Length);
            return rows.Detach().IndexSelect(0, Tensor.From(Array.ConvertAll(wanted.ToArray(), row => (long)row)));
        }
    }

    private sealed class Some(FeatureRows all, int[] chosen) : FeatureRows
    {
        public override int Count => chosen.Length;
        public override int Width => all.Width;

        public override Tensor Read(ReadOnlySpan<int> rows) => all.Read(Array.ConvertAll(rows.ToArray(), row => chosen[row]));
    }
}
