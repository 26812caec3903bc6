using Obverse.Models;
using Obverse.Torch;

namespace Obverse;

/// <summary>A CLIP: pictures of any size are resized to its input side, normalised, encoded, and their embeddings normalised.</summary>
public sealed class ClipEncoder : Encoder
{
    private readonly bool owns, normalizes;

    private ClipEncoder(ClipModel model, string name, int side, bool owns, bool normalizes = true) => (Model, Name, Side, this.owns, this.normalizes) = (model, name, side, owns, normalizes);

    /// <summary>Loads a model by folder, file or zoo name, with an optional architecture before it (<see cref="ModelName"/>); by default the encoders compute in bfloat16 if the processor has instructions for it.</summary>
    public static ClipEncoder Load(string model, Device? device = null, Precision precision = Precision.Auto)
    {
        var loaded = ClipModel.Open(model, device, precision: precision);
        return new(loaded, model, loaded.ImageSize, owns: true);
    }

    public ClipEncoder(ClipModel model, string name) : this(model, name, model.ImageSize, owns: false)
    {
    }

    public ClipModel Model { get; }
    public override string Name { get; }
    public override Device Device => Model.Device;
    public override long Dimension => Model.EmbedDim;

    /// <summary>Input side; encoders that take any shape keep the picture's aspect ratio, with this as its shorter side.</summary>
    public int Side { get; }

    /// <summary>The same weights at another input side; it does not own them. A vision transformer's positions are interpolated; its side is a multiple of its patch.</summary>
    public ClipEncoder At(int side)
    {
        var step = Model.Config.Vision.SideStep;
        if (side <= 0 || side % step != 0) throw new ArgumentException($"{Name}: a side of {side} pixels was asked for, a multiple of {step} is wanted{(step == 1 ? "" : $" ({Math.Max(1, side / step) * step} or {(Math.Max(0, side / step) + 1) * step})")}");
        return new(Model, $"{Name}@{side}", side, owns: false, normalizes);
    }

    public override Encoder WithoutNormalization() => new ClipEncoder(Model, Name, Side, owns: false, normalizes: false);

    public override Tensor Embed(Tensor images)
    {
        images = images.To(Device);
        var (h, w) = (images.Size(2), images.Size(3));
        var (toH, toW) = Model.Config.Vision.TimmName is not null ? (Math.Max(Side, h * Side / Math.Min(h, w)), Math.Max(Side, w * Side / Math.Min(h, w))) : (Side, Side);
        // Bicubic as the optimisation codes have it (a = -0.75, no antialias) when enlarging; antialiased when shrinking, where plain would skip pixels.
        if ((h, w) != (toH, toW)) images = images.Resize(toH, toW, Interpolation.Bicubic, antialias: h > toH || w > toW);
        return Model.EncodeImage(normalizes ? Model.Normalize(images) : images).Normalized();
    }

    public override Tensor Embed(IReadOnlyList<string> texts) => Model.EncodeText(texts).Normalized();

    public override void Dispose()
    {
        if (owns) Model.Dispose();
        base.Dispose();
    }
}
