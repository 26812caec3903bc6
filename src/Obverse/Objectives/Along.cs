using Obverse.Torch;

namespace Obverse;

/// <summary>
/// 1 - cos(E(x) - E(start), E(to) - E(from)), averaged over the views: the direction of the picture from <paramref name="Start"/> is that of one target from another (StyleGAN-NADA's directional loss;
/// spec canvases.md 5.8, where CLIPStyler uses it on patches).
/// </summary>
[Part("along")]
public sealed record Along(string From, string To, string? Start = null) : Objective
{
    public override Tensor Evaluate(Scene scene) => scene.Sum(seen =>
    {
        var way = (seen.Target(To).Direction - seen.Target(From).Direction).Normalized();
        var moved = (seen.Embeddings - seen.Target(Start ?? From).Direction.Unsqueeze(-2)).Normalized(); // [count, views, d]
        return (1 - (moved * way.Unsqueeze(-2)).Sum(-1)).Mean(1);
    });
}

public abstract partial record Objective
{
    /// <summary>Along the direction from one target to another, starting at <paramref name="start"/> (null: at <paramref name="from"/>).</summary>
    public static Objective Along(string from, string to, string? start = null) => new Along(from, to, start);
}
