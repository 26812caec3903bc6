using Obverse.Models;
using Obverse.Torch;

namespace Obverse;

/// <summary>A CLIP: pictures of any size are resized to its input side, normalised, encoded, and their embeddings normalised.</summary>
public sealed class ClipEncoder : Encoder
{
    private const int LongestShape = 4, Grid = 32; // pixels of the tower's last grid

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
        if (images is not { Dims: 4, DType: DType.Float32 or DType.Float64 or DType.Float16 or DType.BFloat16 } || images.Size(1) != 3 || images.Size(2) == 0 || images.Size(3) == 0) throw new ArgumentException($"{Name}: {images.DType} [{string.Join(", ", images.Shape)}] was given; pictures [n, 3, height, width] of floats in [0, 1] were wanted");
        return TensorScope.Of(() => Embedded(images));
    }

    private Tensor Embedded(Tensor images)
    {
        images = images.To(Device);
        var (h, w) = (images.Size(2), images.Size(3));
        var (toH, toW) = InputOf(h, w);
        // Bicubic as the optimisation codes have it (a = -0.75, no antialias) when enlarging; antialiased when shrinking, where plain would skip pixels.
        if ((h, w) != (toH, toW)) images = images.Resize(toH, toW, Interpolation.Bicubic, antialias: h > toH || w > toW);
        return Model.EncodeImage(normalizes ? Model.Normalize(images) : images).Normalized();
    }

    public override double BytesPerView(long height, long width)
    {
        var (h, w) = InputOf(height, width);
        var vision = Model.Config.Vision;
        // Measured: 1.2 KB a pixel of EfficientNet-Lite0; of a transformer 16 numbers a token, unit and layer.
        return vision.TimmName is { } name ? h * w * 1200.0 * (name.Contains("lite4", StringComparison.Ordinal) ? 2 : name.Contains("lite3", StringComparison.Ordinal) ? 1.5 : 1)
            : vision.Stages is not null ? h * w * 1200.0 * vision.Width / 64
            : 16.0 * sizeof(float) * vision.Layers * vision.Width * ((double)h / vision.PatchSize * ((double)w / vision.PatchSize) + 1);
    }

    public override Tensor Embed(IReadOnlyList<string> texts) => texts.Count == 0 ? Tensor.Zeros([0, Dimension]).To(Device) : TensorScope.Of(() => Model.EncodeText(texts).Normalized());

    // Of a picture longer than four times its width: no more pixels than that, in its shape, down to the tower's own grid.
    private (long Height, long Width) InputOf(long h, long w)
    {
        if (Model.Config.Vision.TimmName is null) return (Side, Side);
        var (shorter, longer) = (Math.Min(h, w), Math.Max(h, w));
        if (longer <= LongestShape * shorter) return (Math.Max(Side, h * Side / shorter), Math.Max(Side, w * Side / shorter));
        var least = Math.Min(Side, Math.Max(Grid, (long)Math.Round(Side * Math.Sqrt(LongestShape * shorter / (double)longer))));
        var most = Math.Min((long)LongestShape * Side * Side / least, Math.Max(least, least * longer / shorter));
        return h < w ? (least, most) : (most, least);
    }

    public override void Dispose()
    {
        if (owns) Model.Dispose();
        base.Dispose();
    }
}
