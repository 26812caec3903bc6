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
        projection = new(weights / "head" / "proj", EfficientNetLite.Features, config.EmbedDim, config.TimmProjectionBias);
    }

    public EfficientNetLite Trunk { get; }

    public Tensor Forward(Tensor pixels, Trace? trace = null) => Project(Trunk.Pooled(pixels, trace));

    /// <summary>Pooled features [n, 1280] to the shared space [n, D].</summary>
    public Tensor Project(Tensor pooled) => projection.Forward(pooled);

    public void Dispose() => Trunk.Dispose();
}
