using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// An image network of timm inside a CLIP, as open_clip's TimmModel has it (open_clip/timm_model.py): `trunk`, mean over the picture, linear
/// `head.proj`. The trunks built here take pictures of any size.
/// </summary>
public sealed class TimmVision : IImageTower
{
    private readonly Linear projection;

    public TimmVision(Weights weights, VisionConfig config, bool fold = true)
    {
        Trunk = new(weights / "trunk", config.TimmName!, fold);
        projection = new(weights / "head" / "proj", EfficientNetLite.Channels, config.EmbedDim, config.TimmProjectionBias, precise: true);
    }

    public EfficientNetLite Trunk { get; }

    public Tensor Forward(Tensor pixels, Trace? trace = null) => Project(Trunk.Features(pixels, trace));

    /// <summary>Features of the trunk, [n, 1280], to the shared space [n, D].</summary>
    public Tensor Project(Tensor features) => projection.Forward(features);

    public void Dispose() => Trunk.Dispose();
}
