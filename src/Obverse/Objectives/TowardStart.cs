using Obverse.Torch;

namespace Obverse;

/// <summary>1 - cos to the embedding of the picture that the run begins with: what is changed stays near what it was (spec implicit-inversion.md 2.9).</summary>
[Part("toward-start")]
public sealed record TowardStart : Objective
{
    public override Tensor Evaluate(Scene scene)
    {
        Tensor? total = null;
        foreach (var look in scene.Looks)
        {
            var place = look.Target.Start ?? throw new InvalidOperationException("the objective draws toward the start picture, and the run has none");
            var loss = (1 - (look.Embeddings * place.Unsqueeze(-2)).Sum(-1)).Mean(1) * look.Weight; // [count, copies, d] with [d]
            total = total is null ? loss : total + loss;
        }

        return total!;
    }
}

public abstract partial record Objective
{
    public static Objective TowardStart() => new TowardStart();
}
