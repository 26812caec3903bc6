using Obverse.Files;

namespace Obverse.Torch;

/// <summary>
/// A tensor as it is stored in a file, mapped and often in 16 bits, and what is to be made of it once it is asked for. It owns its parts.
/// </summary>
public sealed class StoredTensor : IDisposable
{
    private readonly IReadOnlyList<Tensor> parts;
    private readonly bool isTransposed;

    public StoredTensor(Tensor tensor) : this([tensor], false, tensor.Shape)
    {
    }

    private StoredTensor(IReadOnlyList<Tensor> parts, bool isTransposed, long[] shape) => (this.parts, this.isTransposed, Shape) = (parts, isTransposed, shape);

    /// <summary>The shape of what is made.</summary>
    public long[] Shape { get; }

    /// <summary>The transpose of a matrix.</summary>
    public StoredTensor Transposed() => parts.Count == 1 && Shape is [var rows, var columns] ? new(parts, !isTransposed, [columns, rows]) : throw new InvalidOperationException($"only a matrix can be transposed, not [{string.Join(", ", Shape)}]");

    /// <summary>Several, one below the other.</summary>
    public static StoredTensor Stacked(IReadOnlyList<StoredTensor> rows, string name)
    {
        if (rows.Any(r => r.isTransposed || r.Shape.Length == 0 || !r.Shape.AsSpan(1).SequenceEqual(rows[0].Shape.AsSpan(1)))) throw new WeightsException($"'{name}': its parts have the shapes {string.Join(" and ", rows.Select(r => $"[{string.Join(", ", r.Shape)}]"))}, which do not fit together");
        return new([.. rows.SelectMany(r => r.parts)], false, [rows.Sum(r => r.Shape[0]), .. rows[0].Shape[1..]]);
    }

    /// <summary>In <paramref name="type"/> where it is a floating number, checked to be finite. What needs no work stays as it lies in the file; the rest is let go of.</summary>
    internal Tensor Make(string name, string origin, DType type) => Tensor.Owned(() =>
    {
        using var still = new NoGrad();
        var made = parts.Count > 1 ? Tensor.Cat([.. parts.Select(part => Floating(part, type))]) : isTransposed ? Floating(parts[0].T(), type).Contiguous() : Floating(parts[0], type);
        if (made.DType == type && !IsFinite(made)) throw new WeightsException($"{origin}: tensor '{name}' holds NaN or infinite numbers");
        if (!ReferenceEquals(made, parts[0])) Dispose();
        return made;
    });

    public void Dispose()
    {
        foreach (var part in parts) part.Dispose();
    }

    private static Tensor Floating(Tensor tensor, DType type) => tensor.DType is DType.Float16 or DType.BFloat16 or DType.Float32 or DType.Float64 && tensor.DType != type ? tensor.To(type) : tensor;

    // A sum is finite only where all its parts are, and needs no memory; one that is not may only be too large.
    private static bool IsFinite(Tensor tensor) => double.IsFinite(tensor.Sum().Item()) || tensor.IsFinite().All().Item() != 0;
}
