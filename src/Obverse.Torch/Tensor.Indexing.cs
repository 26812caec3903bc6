namespace Obverse.Torch;

/// <summary>One place of an index: a number (`3`, `^1`) or a range (`2..5`, `..`).</summary>
public readonly struct Slot
{
    internal readonly Range? Range;
    internal readonly long Number;

    private Slot(Range? range, long number) => (Range, Number) = (range, number);

    public static implicit operator Slot(int number) => new(null, number);
    public static implicit operator Slot(long number) => new(null, number);
    public static implicit operator Slot(Index index) => new(null, index.IsFromEnd ? -index.Value : index.Value);
    public static implicit operator Slot(Range range) => new(range, 0);
}

public sealed partial class Tensor
{
    /// <summary>A view of a part; writing copies into it. Places left out at the end are whole. For tensors of numbers there are <see cref="IndexSelect"/> and <see cref="Gather"/>, for bools <see cref="Where"/>.</summary>
    [System.Runtime.CompilerServices.IndexerName("Part")]
    public Tensor this[params ReadOnlySpan<Slot> at]
    {
        get => Locate(at);
        set => Locate(at).CopyInPlace(value);
    }

    private Tensor Locate(ReadOnlySpan<Slot> slots)
    {
        var part = this;
        var dim = 0;
        foreach (var slot in slots)
        {
            if (slot.Range is not { } range)
            {
                part = part.Select(dim, slot.Number);
                continue;
            }

            var side = part.Size(dim);
            var from = range.Start.IsFromEnd ? side - range.Start.Value : range.Start.Value;
            var to = range.End.IsFromEnd ? side - range.End.Value : range.End.Value;
            if (from > to || to > side || from < 0) throw new ArgumentOutOfRangeException(nameof(slots), $"range {range} of dimension {dim}, which has {side}");
            if (from != 0 || to != side) part = slice.Call(part, dim, from, to, 1);
            dim++;
        }

        return ReferenceEquals(part, this) ? slice.Call(this, 0, 0, long.MaxValue, 1) : part;
    }
}
