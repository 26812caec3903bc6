using System.Text.Json.Serialization;
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

    /// <summary>2 arcsin(|a - b| / 2)² to each embedding, times its value, added (VQGAN+CLIP; spec canvases.md 5.6).</summary>
    Spherical,
}

/// <summary>Moves the embeddings of the views toward a target, by its name. Averages over the views, adds over an ensemble's members.</summary>
[Part("toward")]
public sealed record Toward(Distance Distance = Distance.Cosine, string Target = Targets.Prompt) : Objective
{
    /// <summary>This share of the views, those with the least loss, counts as 0; the mean is still over all (CLIPAG's rejection, spec clipag.md 4.2).</summary>
    [Limit(0, 1), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double Rejects { get; init; }

    /// <summary>Of the spherical distance: a view nearer than this gives no gradient (`stop` of VQGAN+CLIP, for parts of negative weight: the distance with its sign); null: none.</summary>
    public double? Stop { get; init; }

    public override Tensor Evaluate(Scene scene) => scene.Sum(seen => Of(seen.Embeddings, seen.Target(Target)));

    /// <summary>Embeddings [count, views, d] and a target -> [count].</summary>
    public Tensor Of(Tensor embeddings, Target target)
    {
        if (Distance == Distance.Similarity)
        {
            var cosines = embeddings.Matmul(target.Embeddings.Transpose(-2, -1)); // [count, views, rows]
            return -(cosines * target.Values.Unsqueeze(-2)).Mean([1, 2]);
        }

        if (Distance == Distance.Spherical) return Spherical(embeddings, target);
        var cosine = (embeddings * target.Direction.Unsqueeze(-2)).Sum(-1); // [count, views]
        var distance = Distance == Distance.Cosine ? 1 - cosine : (2 - 2 * cosine + 1e-12).Sqrt();
        return Rejecting(distance).Mean(1);
    }

    // sum over the embeddings of |value| times the mean over the views of sign(value) 2 arcsin(|a - b| / 2)²; the value stays the mean, the gradient goes through max(distance, stop).
    private Tensor Spherical(Tensor embeddings, Target target)
    {
        var chord = (embeddings.Unsqueeze(-2) - target.Embeddings.Unsqueeze(-3)).Norm(-1); // [count, views, rows]
        var signs = target.Values / target.Values.Abs().ClampMin(1e-30);
        var distances = (chord / 2).Asin().Square() * 2 * signs.Unsqueeze(-2);
        if (Stop is { } stop) distances = distances.Where(distances > stop, distances.Detach());
        return (distances * target.Values.Abs().Unsqueeze(-2)).Mean(1).Sum(-1);
    }

    private Tensor Rejecting(Tensor distance)
    {
        if (Rejects == 0) return distance;
        Tensor[] kept = [.. distance.Split(1).Select(one => one.Where(one.Detach() >= one.Detach().Quantile(Rejects), one.ZerosLike()))]; // each picture's own quantile
        return Tensor.Cat(kept);
    }

    public override string ToString() => $"Toward {{ Target = {Target}, Distance = {Distance}{(Rejects == 0 ? "" : FormattableString.Invariant($", Rejects = {Rejects}"))}{(Stop is null ? "" : FormattableString.Invariant($", Stop = {Stop}"))} }}";
}

public abstract partial record Objective
{
    /// <summary>Toward the target of a name: "prompt"; "pictures", a blend of real ones (CLIP^-1); "start", the start picture; or another by its name.</summary>
    public static Objective Toward(string target = Targets.Prompt, Distance distance = Distance.Cosine) => new Toward(distance, target);

    /// <summary>Toward the prompt.</summary>
    public static Objective Toward(Distance distance) => new Toward(distance);
}
