using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>Any CLIP: embeddings of pictures and texts; or, for distances between sets, the pooled features before its projection where its image tower is one of timm's (the pocket judge's 1,280).</summary>
public sealed class ClipFeatures : FeatureNetwork
{
    private readonly ClipEncoder encoder;
    private readonly TimmVision? trunk;
    private readonly string key, name;

    public ClipFeatures(string model, bool pooled = false, Device? device = null)
    {
        encoder = ClipEncoder.Load(model, device, Precision.Float32); // so that figures agree between machines
        trunk = pooled ? encoder.Model.Image as TimmVision : null;
        name = ModelName.Parse(model).Path.TrimEnd('/', '\\') is var path && Path.GetFileName(path) is { Length: > 0 } last ? last : model;
        key = $"{HashOf(Zoo.WeightsFile(model))} clip {encoder.Model.ImageSize}{(trunk is null ? "" : " pooled")}";
    }

    public override string Name => name;
    public override string Key => key;
    public override int Width => trunk is null ? encoder.Model.EmbedDim : EfficientNetLite.Channels;
    public override bool ReadsTexts => trunk is null && encoder.Model.Tokenizer is not null;

    /// <summary>As the checkpoint's own preprocessing (spec clip.md 1.5), transparent pictures on white.</summary>
    public override Tensor Prepare(byte[] file, string name)
    {
        var side = encoder.Model.ImageSize;
        return TensorScope.Of(() => encoder.Model.Normalize(PictureBatches.ToTensor([new ClipPreprocess { Size = side }.Pixels(file, name)], side)));
    }

    public override Tensor Features(Tensor pictures) => trunk is null ? encoder.Model.EncodeImage(pictures) : trunk.Trunk.Features(pictures);

    public override Tensor Embed(IReadOnlyList<string> texts) => ReadsTexts ? encoder.Model.EncodeText(texts) : base.Embed(texts);

    public override void Dispose()
    {
        encoder.Dispose();
        base.Dispose();
    }
}
