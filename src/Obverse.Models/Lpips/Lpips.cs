using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// LPIPS v0.1 (Zhang et al. 2018; richzhang/PerceptualSimilarity, lpips/lpips.py): a perceptual distance between two pictures of one size; 0 for equal ones. Maps of a network are normalised over their
/// channels, and their squared differences weighted by a learned head a tap.
/// </summary>
public sealed class Lpips : IDisposable
{
    private const double Tiny = 1e-10;

    private static readonly double[] shift = [-0.030, -0.088, -0.188], scale = [0.458, 0.448, 0.450];

    private readonly Weights backbone, heads;
    private readonly Func<Tensor, Tensor[]> maps;
    private readonly Tensor[] lines; // [1, channels, 1, 1] each

    /// <param name="network">Which one the weights are of.</param>
    /// <param name="backbone">By torchvision's names, owned by this object then; its classifier is left aside.</param>
    /// <param name="heads">lin0.model.1.weight …, owned too.</param>
    public Lpips(LpipsNetwork network, Weights backbone, Weights heads)
    {
        (Network, this.backbone, this.heads) = (network, backbone, heads);
        maps = LpipsBackbones.Of(backbone, network);
        backbone.Complete(name => name.StartsWith("classifier.", StringComparison.Ordinal));
        lines = [.. LpipsBackbones.Channels(network).Select((channels, i) => (heads / $"lin{i}" / "model" / 1).Get("weight", [1, channels, 1, 1], Inits.Zeros, precise: true))];
        heads.Complete();
    }

    public LpipsNetwork Network { get; }

    /// <summary>From torchvision's file of the backbone and LPIPS's of the heads.</summary>
    /// <exception cref="WeightsException">Either is of another network.</exception>
    public static Lpips Load(LpipsNetwork network, string backboneFile, string headsFile) => TensorScope.Unscoped(() =>
    {
        static Weights Of(string path) => Weights.Later(WeightFiles.Read(path).Select(pair => KeyValuePair.Create(pair.Key, new StoredTensor(pair.Value))), path);
        var backbone = Of(backboneFile);
        Weights? heads = null;
        try
        {
            heads = Of(headsFile);
            return new Lpips(network, backbone, heads);
        }
        catch
        {
            heads?.Dispose();
            backbone.Dispose();
            throw;
        }
    });

    /// <summary>Distances of pictures in 0 … 1, [n, 3, h, w] each: [n].</summary>
    public Tensor Between(Tensor a, Tensor b) => Layers(a, b).Aggregate((sum, layer) => sum + layer);

    /// <summary>The same of pictures in -1 … 1, as the original takes them.</summary>
    internal Tensor BetweenSigned(Tensor a, Tensor b) => Differences(a, b).Select(map => map.Mean([1, 2, 3])).Aggregate((sum, layer) => sum + layer);

    /// <summary>The summand of every tap: [n] each.</summary>
    public Tensor[] Layers(Tensor a, Tensor b) => [.. Differences(Signed(a), Signed(b)).Select(map => map.Mean([1, 2, 3]))];

    /// <summary>The distance at every pixel, [n, 1, h, w]: the taps' maps enlarged (bilinear) and added.</summary>
    public Tensor Map(Tensor a, Tensor b) => Differences(Signed(a), Signed(b)).Select(map => map.Resize(a.Size(2), a.Size(3))).Aggregate((sum, map) => sum + map);

    public void Dispose()
    {
        backbone.Dispose();
        heads.Dispose();
    }

    private IEnumerable<Tensor> Differences(Tensor a, Tensor b)
    {
        if (!a.Shape.SequenceEqual(b.Shape)) throw new ArgumentException($"LPIPS: pictures [{string.Join(", ", a.Shape)}] and [{string.Join(", ", b.Shape)}] were given; equal sizes are wanted");
        var (ofA, ofB) = (maps(Scaled(a)), maps(Scaled(b)));
        return lines.Select((line, i) => (Unit(ofA[i]) - Unit(ofB[i])).Square().Conv2d(line));
    }

    private static Tensor Scaled(Tensor images)
    {
        Tensor Channels(double[] values) => Tensor.From(values, 1, 3, 1, 1).To(DType.Float32);
        return (images - Channels(shift)) / Channels(scale);
    }

    private static Tensor Signed(Tensor images) => images * 2.0 - 1.0;

    private static Tensor Unit(Tensor map) => map / (map.Square().Sum(1, keep: true).Sqrt() + Tiny);
}
