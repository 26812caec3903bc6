using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>The 2,048 features that FID is defined by; as in the three libraries alpha is dropped, not put on white, and EXIF ignored.</summary>
public sealed class InceptionFeatures(string path, InceptionInput input) : FeatureNetwork
{
    private readonly InceptionNetwork network = InceptionNetwork.Load(path);
    private readonly string hash = HashOf(path);

    public override string Name => "Inception-2015";
    public override string Key => $"{hash} inception {input}";
    public override int Width => InceptionNetwork.Features;
    public override int Classes => InceptionNetwork.Classes;

    public override Tensor Prepare(byte[] file, string name) => input.Prepare(Picture.Decode(file, name, upright: false, clipSixteenBit: true).WithoutAlpha());

    public override Tensor Features(Tensor pictures) => network.Of(pictures);

    public override Tensor Classify(Tensor features) => network.Classify(features);

    public override void Dispose()
    {
        network.Dispose();
        base.Dispose();
    }
}
