using Obverse.Torch;

namespace Obverse;

/// <summary>How far an embedding is from a target, both of length 1.</summary>
public enum Distance
{
    /// <summary>1 - cos to the one direction that the weighted embeddings add up to (CLIP^-1).</summary>
    Cosine,

    /// <summary>- mean over the embeddings of value · cos: adding one makes the others count less (DAS).</summary>
    Similarity,

    /// <summary>|a - b| = sqrt(2 - 2 cos), to the one direction (CLIP-Inv).</summary>
    Euclidean,
}

/// <summary>Moves the embeddings of the views toward a target, by its name. Averages over the views, adds over an ensemble's members.</summary>
[Part("toward")]
public sealed record Toward(Distance Distance = Distance.Cosine, string Target = Targets.Prompt) : Objective
{
    public override Tensor Evaluate(Scene scene) => scene.Sum(seen => Of(seen.Embeddings, seen.Target(Target)));

    /// <summary>Embeddings [count, views, d] and a target -> [count].</summary>
    public Tensor Of(Tensor embeddings, Target target)
    {
        if (Distance == Distance.Similarity)
        {
            var cosines = embeddings.Matmul(target.Embeddings.Transpose(-2, -1)); // [count, views, rows]
            return -(cosines * target.Values.Unsqueeze(-2)).Mean([1, 2]);
        }

        var cosine = (embeddings * target.Direction.Unsqueeze(-2)).Sum(-1); // [count, views]
        var distance = Distance == Distance.Cosine ? 1 - cosine : (2 - 2 * cosine + 1e-12).Sqrt();
        return distance.Mean(1);
    }

    public override string ToString() => $"Toward {{ Target = {Target}, Distance = {Distance} }}";
}

public abstract partial record Objective
{
    /// <summary>Toward the target of a name: "prompt"; "pictures", a blend of real ones (CLIP^-1); "start", the start picture; or another by its name.</summary>
    public static Objective Toward(string target = Targets.Prompt, Distance distance = Distance.Cosine) => new Toward(distance, target);

    /// <summary>Toward the prompt.</summary>
    public static Objective Toward(Distance distance) => new Toward(distance);
}
