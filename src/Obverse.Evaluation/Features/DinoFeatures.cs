using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>DINO's or DINOv2's class token, pictures prepared as DINO's own evaluation does: 256, then the middle 224.</summary>
public sealed class DinoFeatures(string path) : FeatureNetwork
{
    private const int Side = 224;

    private readonly DinoTransformer network = DinoTransformer.Load(path);
    private readonly string hash = HashOf(path);

    public override string Name => $"{(network.PatchSize == 14 ? "DINOv2" : "DINO")} ViT-{(network.Width switch { 384 => "S", 768 => "B", 1024 => "L", _ => $"{network.Width}" })}/{network.PatchSize}";
    public override string Key => $"{hash} dino {Side}";
    public override int Width => network.Width;

    public override Tensor Prepare(byte[] file, string name) => TensorScope.Of(() => DinoTransformer.Normalize(PictureBatches.ToTensor([DinoTransformer.Crop(Picture.Decode(file, name), side: Side)], Side)));

    public override Tensor Features(Tensor pictures) => network.Forward(pictures);

    public override void Dispose()
    {
        network.Dispose();
        base.Dispose();
    }
}
