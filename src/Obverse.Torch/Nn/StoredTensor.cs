using Obverse.Files;

namespace Obverse.Torch;

/// <summary>
/// A tensor as its file has it, mapped and often half as wide, and what is to be made of it: not before somebody asks. It owns its parts.
/// </summary>
public sealed class StoredTensor : IDisposable
{
    private readonly IReadOnlyList<Tensor> parts;
    private readonly bool turned;

    public StoredTensor(Tensor tensor) : this([tensor], false, tensor.Shape)
    {
    }

    private StoredTensor(IReadOnlyList<Tensor> parts, bool turned, long[] shape) => (this.parts, this.turned, Shape) = (parts, turned, shape);

    /// <summary>What it has once it is made.</summary>
    public long[] Shape { get; }

    /// <summary>The transpose of a matrix.</summary>
    public StoredTensor Turned() => parts.Count == 1 && Shape is [var rows, var columns] ? new(parts, !turned, [columns, rows]) : throw new InvalidOperationException($"only a matrix can be turned, not [{string.Join(", ", Shape)}]");

    /// <summary>Several, one below the other.</summary>
    public static StoredTensor Stacked(IReadOnlyList<StoredTensor> rows, string name)
    {
        if (rows.Any(r => r.turned || r.Shape.Length == 0 || !r.Shape.AsSpan(1).SequenceEqual(rows[0].Shape.AsSpan(1)))) throw new WeightsException($"'{name}': its parts have the shapes {string.Join(" and ", rows.Select(r => $"[{string.Join(", ", r.Shape)}]"))}, which do not fit together");
        return new([.. rows.SelectMany(r => r.parts)], false, [rows.Sum(r => r.Shape[0]), .. rows[0].Shape[1..]]);
    }

    /// <summary>In <paramref name="type"/> where it is a floating number, checked to be finite. What needs no work stays as it lies in the file; the rest is let go of.</summary>
    internal Tensor Make(string name, string origin, DType type) => Tensor.Owned(() =>
    {
        using var still = new NoGrad();
        var made = parts.Count > 1 ? Tensor.Cat([.. parts.Select(part => Floating(part, type))]) : turned ? Floating(parts[0].T(), type).Contiguous() : Floating(parts[0], type);
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
