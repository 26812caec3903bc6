using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>The distance between image and text embeddings on the sphere (Liang et al. 2022), the reason for Procrustes alignment and blending.</summary>
public static class ModalityGap
{
    /// <summary>Distance between the mean of normalised picture embeddings and the mean of normalised text embeddings, 0 … 2.</summary>
    public static double Between(Tensor images, Tensor texts)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        return (images.Normalized().Mean(0) - texts.Normalized().Mean(0)).Norm().Item();
    }
}
