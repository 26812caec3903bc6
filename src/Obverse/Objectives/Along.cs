using System.Text.Json.Serialization;
using Obverse.Torch;

namespace Obverse;

/// <summary>
/// 1 - cos(E(x) - E(start), E(to) - E(from)), averaged over the views: the direction of the picture from <paramref name="Start"/> is that of one target from another (StyleGAN-NADA's directional loss;
/// spec canvases.md 5.8, where CLIPStyler uses it on patches).
/// </summary>
[Part("along")]
public sealed record Along(string From, string To, string? Start = null) : Objective
{
    /// <summary>A view whose loss is below this counts as 0; the mean is still over all (CLIPStyler's threshold 0.7, spec canvases.md 5.8).</summary>
    [Limit(0, 2), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double Below { get; init; }

    public override Tensor Evaluate(Scene scene) => scene.Sum(seen =>
    {
        var way = (seen.Target(To).Direction - seen.Target(From).Direction).Normalized();
        var moved = (seen.Embeddings - seen.Target(Start ?? From).Direction.Unsqueeze(-2)).Normalized(); // [count, views, d]
        var losses = 1 - (moved * way.Unsqueeze(-2)).Sum(-1); // [count, views]
        return (Below == 0 ? losses : losses.Where(losses >= Below, losses.ZerosLike())).Mean(1);
    });
}

public abstract partial record Objective
{
    /// <summary>Along the direction from one target to another, starting at <paramref name="start"/> (null: at <paramref name="from"/>).</summary>
    public static Objective Along(string from, string to, string? start = null) => new Along(from, to, start);
}
