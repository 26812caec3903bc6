using Obverse.Torch;

namespace Obverse;

/// <summary>1 - cos to the target's <see cref="Target.Pictures"/>: a place among real pictures, blended for the prompt, that keeps an inversion to what pictures look like (CLIP^-1; spec implicit-inversion.md 2.7).</summary>
[Part("toward-pictures")]
public sealed record TowardPictures : Objective
{
    public override Tensor Evaluate(Scene scene)
    {
        Tensor? total = null;
        foreach (var look in scene.Looks)
        {
            var place = look.Target.Pictures ?? throw new InvalidOperationException("the objective draws toward pictures, and the run has no bank or index to blend them from");
            var loss = (1 - (look.Embeddings * place.Unsqueeze(-2)).Sum(-1)).Mean(1) * look.Weight; // [count, copies, d] with [d] or [count, 1, d]
            total = total is null ? loss : total + loss;
        }

        return total!;
    }
}

public abstract partial record Objective
{
    public static Objective TowardPictures() => new TowardPictures();
}
