using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>A CLIP's image tower as an adversarial run needs it.</summary>
/// <param name="Features">[n, 3, s, s] in 0 … 1 to [n, channels]: the trunk's features where there is a trunk, else the embedding.</param>
/// <param name="Embed">Features to [n, D] of length 1.</param>
/// <param name="Scores">Features to class scores [n, classes].</param>
/// <param name="LogitScale">The temperature's logarithm, frozen.</param>
/// <param name="Parameters">What learns.</param>
public sealed record RobustTower(Func<Tensor, Tensor> Features, Func<Tensor, Tensor> Embed, Func<Tensor, Tensor> Scores, Tensor LogitScale, IReadOnlyList<KeyValuePair<string, Tensor>> Parameters)
{
    /// <param name="model">Its text tower and temperature are left alone.</param>
    /// <param name="classRows">[classes, D]: normalised embeddings of class names.</param>
    /// <param name="classifier">Weight [classes, channels] and bias [classes] of the classifier that the trunk was published with; asked in place of the names where given.</param>
    public static RobustTower Of(ClipModel model, Tensor classRows, (Tensor Weight, Tensor Bias)? classifier = null)
    {
        var timm = model.Image as TimmVision;
        Tensor Embed(Tensor features) => (timm is null ? features : timm.Project(features)).Normalized();
        return new(
            images => timm is null ? model.EncodeImage(model.Normalize(images)) : timm.Trunk.Features(model.Normalize(images)),
            Embed,
            features => classifier is var (weight, bias) ? features.Linear(weight, bias) : Embed(features).Matmul(classRows.T()) * model.LogitScale.Detach().Exp(),
            model.LogitScale,
            [.. model.Parameters.Where(p => p.Key.StartsWith("visual.", StringComparison.Ordinal))]);
    }
}
