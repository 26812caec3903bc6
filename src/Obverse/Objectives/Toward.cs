using Obverse.Torch;

namespace Obverse;

/// <summary>How far an embedding is from a target, both of length 1.</summary>
public enum Distance
{
    /// <summary>1 - cos to the one direction that the weighted targets add up to (CLIP^-1).</summary>
    Cosine,

    /// <summary>- mean over targets of value · cos: adding a target makes the others count less (DAS).</summary>
    Similarity,

    /// <summary>|a - b| = sqrt(2 - 2 cos), to the one direction (CLIP-Inv).</summary>
    Euclidean,
}

/// <summary>Draws the views' embeddings toward the run's target. Averages over the copies, adds over an ensemble's members.</summary>
[Part("toward")]
public sealed record Toward(Distance Distance = Distance.Cosine) : Objective
{
    public override Tensor Evaluate(Scene scene)
    {
        Tensor? total = null;
        foreach (var look in scene.Looks)
        {
            var loss = Of(look.Embeddings, look.Target) * look.Weight;
            total = total is null ? loss : total + loss;
        }

        return total!;
    }

    /// <summary>Embeddings [count, copies, d] and a target -> [count].</summary>
    public Tensor Of(Tensor embeddings, Target target)
    {
        if (Distance == Distance.Similarity)
        {
            var cosines = embeddings.Matmul(target.Embeddings.Transpose(-2, -1)); // [count, copies, targets]
            return -(cosines * target.Values.Unsqueeze(-2)).Mean([1, 2]);
        }

        var cosine = (embeddings * target.Direction.Unsqueeze(-2)).Sum(-1); // [count, copies]
        var distance = Distance == Distance.Cosine ? 1 - cosine : (2 - 2 * cosine + 1e-12).Sqrt();
        return distance.Mean(1);
    }
}

public abstract partial record Objective
{
    public static Objective Toward(Distance distance = Distance.Cosine) => new Toward(distance);
}

/// <summary>What one encoder is to see: unit embeddings [targets, d] (or [count, targets, d], one set a picture) with a value each; negative values push away.</summary>
public sealed class Target : IDisposable
{
    public Target(Tensor embeddings, Tensor values)
    {
        if (embeddings.Size(-2) != values.Size(-1)) throw new ArgumentException($"{embeddings.Size(-2)} targets and {values.Size(-1)} values");
        (Embeddings, Values) = (embeddings, values.To(embeddings.Device));
        Direction = Sum(embeddings, Values);
    }

    public Tensor Embeddings { get; }
    public Tensor Values { get; }

    /// <summary>The unit vector that the weighted targets add up to: [d] or [count, d].</summary>
    public Tensor Direction { get; }

    /// <summary>A place among real pictures, [d] or [count, d], of length 1: what <see cref="TowardPictures"/> draws toward; null where nothing was blended.</summary>
    public Tensor? Pictures { get; init; }

    /// <summary>The embedding of the run's start picture, [d]: what <see cref="TowardStart"/> draws toward; null where the run begins with none.</summary>
    public Tensor? Start { get; init; }

    /// <summary>The unit vector that weighted embeddings add up to.</summary>
    public static Tensor Sum(Tensor embeddings, Tensor values) => (embeddings * values.Unsqueeze(-1)).Sum(-2).Normalized();

    public void Dispose()
    {
        Pictures?.Dispose();
        Start?.Dispose();
        Embeddings.Dispose();
        Values.Dispose();
        Direction.Dispose();
    }

    /// <summary>One target of value 1.</summary>
    public static Target Of(Tensor embedding) => new(embedding.Dims == 1 ? embedding.Unsqueeze(0) : embedding, Tensor.Ones([embedding.Dims == 1 ? 1 : embedding.Size(-2)]));
}
