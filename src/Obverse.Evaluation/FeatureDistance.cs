using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>
/// How differently the first stages of an EfficientNet see two batches of pictures: at each place the squared distance of the channels, normalised there, averaged over places and added over
/// stages (LPIPS of Zhang et al. 2018 without its learned weights). Report the network's name with it.
/// </summary>
public sealed class FeatureDistance : IDisposable
{
    private static readonly string[] stages = ["stage0", "stage1", "stage2", "stage4"];
    private readonly EfficientNetLite network;
    private readonly Func<Tensor, Tensor> normalize;
    private readonly IReadOnlyList<IDisposable> owned;

    private FeatureDistance(string name, EfficientNetLite network, Func<Tensor, Tensor> normalize, params IReadOnlyList<IDisposable> owned) => (Name, this.network, this.normalize, this.owned) = (name, network, normalize, owned);

    public string Name { get; }

    /// <summary>By the image tower of a CLIP with an EfficientNet, which stays the caller's.</summary>
    /// <exception cref="ArgumentException">Its tower is another one.</exception>
    public static FeatureDistance Of(ClipModel model, string name) => model.Image is TimmVision timm ? new(name, timm.Trunk, model.Normalize) : throw new ArgumentException($"{name}: a CLIP with an EfficientNet as image tower was wanted");

    /// <summary>By a published EfficientNet-Lite's file (timm's tf_efficientnet_lite0 … 4).</summary>
    public static FeatureDistance Load(string file)
    {
        var name = Path.GetFileName(file);
        if (!EfficientNetLite.Knows(name)) throw new WeightsException($"{file}: a file named tf_efficientnet_lite0 … 4 was wanted");
        var weights = Weights.Load(file);
        var network = new EfficientNetLite(weights, name);
        return new($"EfficientNet-Lite{name["tf_efficientnet_lite".Length]}", network, images => (images - 0.5) / 0.5, network, weights);
    }

    /// <summary>[n, 3, h, w] twice, in [0, 1], to [n].</summary>
    public Tensor Between(Tensor a, Tensor b)
    {
        var total = Stages(a).Zip(Stages(b), (x, y) => (x - y).Square().Sum(1).Mean([1, 2])).Aggregate((sum, one) => sum + one);
        return total;
    }

    public void Dispose()
    {
        foreach (var one in owned) one.Dispose();
    }

    private IEnumerable<Tensor> Stages(Tensor pictures)
    {
        var trace = new Trace();
        _ = network.Forward(normalize(pictures), trace);
        return [.. stages.Select(stage => trace[stage].To(DType.Float32).Normalized(1, 1e-8))];
    }
}
