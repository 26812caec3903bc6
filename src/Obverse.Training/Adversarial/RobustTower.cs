using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>A CLIP's picture side as an adversarial run needs it.</summary>
/// <param name="See">[n, 3, s, s] in 0 … 1 to [n, channels]: the trunk's features where there is a trunk, else the embedding.</param>
/// <param name="Embed">What is seen, to [n, D] of length 1.</param>
/// <param name="Scores">What is seen, to class scores [n, classes].</param>
/// <param name="LogitScale">The temperature's logarithm; it stands still.</param>
/// <param name="Parameters">What learns.</param>
public sealed record RobustTower(Func<Tensor, Tensor> See, Func<Tensor, Tensor> Embed, Func<Tensor, Tensor> Scores, Tensor LogitScale, IReadOnlyList<KeyValuePair<string, Tensor>> Parameters)
{
    /// <param name="model">Its text tower and temperature are left alone.</param>
    /// <param name="classRows">[classes, D]: normalised embeddings of class names.</param>
    /// <param name="classifier">Weight [classes, channels] and bias [classes] of the classifier that the trunk was published with; asked in place of the names where given.</param>
    public static RobustTower Of(ClipModel model, Tensor classRows, (Tensor Weight, Tensor Bias)? classifier = null)
    {
        var timm = model.Image as TimmVision;
        Tensor Embed(Tensor seen) => (timm is null ? seen : timm.Project(seen)).Normalized();
        return new(
            images => timm is null ? model.EncodeImage(model.Normalize(images)) : timm.Trunk.Features(model.Normalize(images)),
            Embed,
            seen => classifier is var (weight, bias) ? seen.Linear(weight, bias) : Embed(seen).Matmul(classRows.T()) * model.LogitScale.Detach().Exp(),
            model.LogitScale,
            [.. model.Parameters.Where(p => p.Key.StartsWith("visual.", StringComparison.Ordinal))]);
    }
}
