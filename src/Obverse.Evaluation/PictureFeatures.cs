using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>Features of a network for distances between sets of pictures. Report the name with every distance; those of two networks are not comparable.</summary>
public sealed class PictureFeatures : IDisposable
{
    private readonly Func<Tensor, Tensor> see;
    private readonly IReadOnlyList<IDisposable> owned;

    private PictureFeatures(string name, Func<Tensor, Tensor> see, params IReadOnlyList<IDisposable> owned) => (Name, this.see, this.owned) = (name, see, owned);

    public string Name { get; }

    /// <summary>[n, 3, s, s] in 0 … 1 to [n, channels].</summary>
    public Tensor Of(Tensor images) => see(images);

    /// <summary>Those of a judge's trunk; the judge stays the caller's.</summary>
    public static PictureFeatures Of(Judge judge, string name) => new(name, judge.Features);

    /// <summary>The 1,280 pooled features of a published EfficientNet-Lite, by its file (timm's tf_efficientnet_lite0 … 4).</summary>
    /// <exception cref="WeightsException">Not such a file.</exception>
    public static PictureFeatures Load(string file)
    {
        var name = Path.GetFileName(file);
        if (!EfficientNetLite.Knows(name)) throw new WeightsException($"{file}: a file named tf_efficientnet_lite0 … 4 was wanted");
        var weights = Weights.Load(file);
        try
        {
            var network = new EfficientNetLite(weights, name);
            return new($"EfficientNet-Lite{name["tf_efficientnet_lite".Length]}", images => network.Features((images - 0.5) / 0.5), network, weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var one in owned) one.Dispose();
    }
}
