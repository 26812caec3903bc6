using Obverse.Torch;

namespace Obverse;

/// <summary>The target of one encoder: unit embeddings [rows, d] (or [count, rows, d], one set per picture) with a value each; negative values push away.</summary>
public sealed class Target : IDisposable
{
    public Target(Tensor embeddings, Tensor values) : this(embeddings, values, null)
    {
    }

    private Target(Tensor embeddings, Tensor values, Tensor? direction)
    {
        if (embeddings.Size(-2) != values.Size(-1)) throw new ArgumentException($"{embeddings.Size(-2)} embeddings and {values.Size(-1)} values: one each is wanted");
        (Embeddings, Values) = (embeddings, values.To(embeddings.Device));
        Direction = direction ?? Sum(embeddings, Values);
    }

    public Tensor Embeddings { get; }
    public Tensor Values { get; }

    /// <summary>The unit vector that the weighted embeddings add up to: [d] or [count, d].</summary>
    public Tensor Direction { get; }

    /// <summary>The unit vector that weighted embeddings add up to.</summary>
    public static Tensor Sum(Tensor embeddings, Tensor values) => (embeddings * values.Unsqueeze(-1)).Sum(-2).Normalized();

    /// <summary>One embedding, [d] or [1, d], or [count, 1, d], of value 1. The tensor stays the caller's.</summary>
    public static Target Of(Tensor embedding) => new(Tensor.Owned(() => embedding.Dims == 1 ? embedding.Unsqueeze(0) : embedding.Detach()), Tensor.Ones([embedding.Dims == 1 ? 1 : embedding.Size(-2)]));

    /// <summary>One unit embedding, [d], taken bit for bit.</summary>
    public static Target At(Tensor direction) => new(direction.Unsqueeze(0), Tensor.Ones([1]), direction);

    public void Dispose()
    {
        Embeddings.Dispose();
        Values.Dispose();
        Direction.Dispose();
    }
}
