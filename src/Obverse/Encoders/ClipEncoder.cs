using Obverse.Models;
using Obverse.Torch;

namespace Obverse;

/// <summary>A CLIP: any picture size is brought to the side it looks at, normalised, encoded, and put on the sphere.</summary>
public sealed class ClipEncoder : Encoder
{
    private readonly bool owns;

    private ClipEncoder(ClipModel model, string name, int side, bool owns) => (Model, Name, Side, this.owns) = (model, name, side, owns);

    /// <summary>Loads a model by folder, file or zoo name.</summary>
    public static ClipEncoder Load(string model, Device? device = null)
    {
        var path = Zoo.Resolve(model);
        var loaded = ClipModel.Load(path, device: device);
        return new(loaded, model, loaded.ImageSize, owns: true);
    }

    public ClipEncoder(ClipModel model, string name) : this(model, name, model.ImageSize, owns: false)
    {
    }

    public ClipModel Model { get; }
    public override string Name { get; }
    public override Device Device => Model.Device;
    public override long Dimension => Model.EmbedDim;

    /// <summary>Side of what the tower is given; towers that are not square-bound keep the picture's shape, with this as its shorter side.</summary>
    public int Side { get; }

    /// <summary>The same weights looking at another side; it does not own them.</summary>
    public ClipEncoder At(int side) => new(Model, $"{Name}@{side}", side, owns: false);

    public override Tensor Embed(Tensor images)
    {
        images = images.To(Device);
        var (h, w) = (images.Size(2), images.Size(3));
        var (toH, toW) = Model.Config.Vision.TimmName is not null ? (Math.Max(Side, h * Side / Math.Min(h, w)), Math.Max(Side, w * Side / Math.Min(h, w))) : (Side, Side);
        // Bicubic as the optimisation codes have it (a = -0.75, no antialias) when enlarging; antialiased when shrinking, where plain would skip pixels.
        if ((h, w) != (toH, toW)) images = images.Resize(toH, toW, Interpolation.Bicubic, antialias: h > toH || w > toW);
        return Model.EncodeImage(Model.Normalize(images)).Normalized();
    }

    public override Tensor Embed(IReadOnlyList<string> texts) => Model.EncodeText(texts).Normalized();

    public override void Dispose()
    {
        if (owns) Model.Dispose();
        base.Dispose();
    }
}
