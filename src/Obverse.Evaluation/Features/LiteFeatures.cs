using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>The 1,280 pooled features of a published EfficientNet-Lite (timm's tf_efficientnet_lite0 … 4), a stand-in for Inception where that cannot be had. A distance over it is no FID, and its name says so.</summary>
public sealed class LiteFeatures : FeatureNetwork
{
    private readonly Weights weights;
    private readonly EfficientNetLite network;
    private readonly string hash;
    private readonly int version;

    public LiteFeatures(string path)
    {
        var file = Path.GetFileName(path);
        if (!EfficientNetLite.Knows(file)) throw new WeightsException($"{path}: a file named tf_efficientnet_lite0 … 4 was wanted");
        version = file["tf_efficientnet_lite".Length] - '0';
        weights = Weights.Load(path);
        try
        {
            network = new(weights, file);
        }
        catch
        {
            weights.Dispose();
            throw;
        }

        hash = HashOf(path);
    }

    /// <summary>Input sides of timm's configurations.</summary>
    public int Side => version switch { 0 => 224, 1 => 240, 2 => 260, 3 => 280, _ => 300 };

    public override string Name => $"EfficientNet-Lite{version}";
    public override string Key => $"{hash} lite {Side}";
    public override int Width => EfficientNetLite.Channels;
    public override int Classes => weights.Has("classifier.weight") ? 1000 : 0;

    public override Tensor Prepare(byte[] file, string name) => TensorScope.Of(() => (PictureBatches.ToTensor([new ClipPreprocess { Size = Side }.Pixels(file, name)], Side) - 0.5) / 0.5);

    public override Tensor Features(Tensor pictures) => network.Features(pictures);

    public override Tensor Classify(Tensor features) => network.Classify(features);

    public override void Dispose()
    {
        network.Dispose();
        weights.Dispose();
        base.Dispose();
    }
}
