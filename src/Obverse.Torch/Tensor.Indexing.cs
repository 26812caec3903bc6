namespace Obverse.Torch;

/// <summary>One place of an index: a number, a range (`2..5`, `..`), a tensor of numbers or of bools, or <see cref="Rest"/>.</summary>
public readonly struct Slot
{
    internal readonly Range? Range;
    internal readonly long? Number;
    internal readonly Tensor? Tensor;
    internal readonly bool IsRest;

    private Slot(Range? range, long? number, Tensor? tensor, bool rest) => (Range, Number, Tensor, IsRest) = (range, number, tensor, rest);

    /// <summary>All the dimensions that the others leave over (Python's ...).</summary>
    public static Slot Rest => new(null, null, null, true);

    public static implicit operator Slot(int number) => new(null, number, null, false);
    public static implicit operator Slot(long number) => new(null, number, null, false);
    public static implicit operator Slot(Index index) => new(null, index.IsFromEnd ? -index.Value : index.Value, null, false);
    public static implicit operator Slot(Range range) => new(range, null, null, false);
    public static implicit operator Slot(Tensor tensor) => new(null, null, tensor, false);
}

public sealed partial class Tensor
{
    /// <summary>Reads a part (a view where only numbers and ranges are given); writing copies into it.</summary>
    [System.Runtime.CompilerServices.IndexerName("Part")]
    public Tensor this[params ReadOnlySpan<Slot> at]
    {
        get => Locate(at, out var tensors) is var part && tensors is null ? part : index.Call(part, Value.OptionalTensors(tensors));
        set
        {
            var part = Locate(at, out var tensors);
            if (tensors is null) part.CopyInPlace(value);
            else index_put_in_place.Do(part, Value.OptionalTensors(tensors), value);
        }
    }

    private Tensor Locate(ReadOnlySpan<Slot> slots, out Tensor?[]? tensors)
    {
        tensors = null;
        var part = this;
        var dims = Dims;
        var dim = 0;
        var kept = new Tensor?[dims];
        var any = false;
        foreach (var slot in slots)
        {
            if (slot.IsRest) dim = part.Dims - Following(slots);
            else if (slot.Number is { } number) part = part.Select(dim, number);
            else if (slot.Range is { } range)
            {
                var side = part.Size(dim);
                var from = range.Start.IsFromEnd ? side - range.Start.Value : range.Start.Value;
                var to = range.End.IsFromEnd ? side - range.End.Value : range.End.Value;
                if (from > to || to > side || from < 0) throw new ArgumentOutOfRangeException(nameof(slots), $"range {range} of dimension {dim}, which has {side}");
                if (from != 0 || to != side) part = slice.Call(part, dim, from, to, 1);
                dim++;
            }
            else
            {
                kept[dim] = slot.Tensor;
                any = true;
                dim += slot.Tensor!.DType == DType.Bool ? slot.Tensor.Dims : 1;
            }
        }

        if (any) tensors = kept[..dim];
        return ReferenceEquals(part, this) ? slice.Call(this, 0, 0, long.MaxValue, 1) : part;
    }

    private static int Following(ReadOnlySpan<Slot> slots)
    {
        var count = 0;
        for (var i = slots.Length - 1; i >= 0 && !slots[i].IsRest; i--) count++;
        return count;
    }
}
