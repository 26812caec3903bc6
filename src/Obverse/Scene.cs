using Obverse.Torch;

namespace Obverse;

/// <summary>What one encoder of the run saw in a step: unit embeddings [count, copies, d] (one copy where views are averaged), its target and its weight.</summary>
public sealed record Look(Encoder Encoder, Tensor Embeddings, Target Target, double Weight);

/// <summary>One step as an objective sees it: the picture, and, when asked for, what the encoders make of its views.</summary>
public sealed class Scene(Tensor image, int step, Func<IReadOnlyList<Look>> look)
{
    private IReadOnlyList<Look>? looks;

    /// <summary>The pictures as presented, [count, 3, H, W].</summary>
    public Tensor Image => image;

    /// <summary>Which step this is, from 0.</summary>
    public int Step => step;

    public IReadOnlyList<Look> Looks => looks ??= look();
}
