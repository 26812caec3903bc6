using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// The network that FID and Inception Score are defined by: TensorFlow's Inception of 2015-12-05 (Szegedy et al. 2016) as pytorch-fid and torch-fidelity ported it, 1,008 classes, no auxiliary head.
/// torchvision's Inception-v3 is another network: other weights, other pools.
/// </summary>
public sealed class InceptionNetwork : IDisposable
{
    /// <summary>Side of its pictures in pixels.</summary>
    public const int Side = 299;

    public const int Classes = 1008, Features = 2048;

    private readonly Weights weights;
    private readonly List<IDisposable> owned = [];
    private readonly (string Name, Func<Tensor, Tensor> Forward)[] stages;
    private readonly Tensor classWeight, classBias;

    /// <param name="weights">By the names of torchvision's Inception-v3; the network owns them.</param>
    public InceptionNetwork(Weights weights)
    {
        this.weights = weights;
        (string, Func<Tensor, Tensor>) Convolution(string name, int inputs, int outputs, int kernel, int stride = 1, bool pads = false) => (name, Blocks().Convolution(name, inputs, outputs, kernel, stride: stride, pads: pads));
        InceptionBlocks Blocks(string? name = null) => new(name is null ? weights : weights / name, owned);
        stages =
        [
            Convolution("Conv2d_1a_3x3", 3, 32, 3, stride: 2), Convolution("Conv2d_2a_3x3", 32, 32, 3), Convolution("Conv2d_2b_3x3", 32, 64, 3, pads: true), ("MaxPool_1", InceptionBlocks.Halved),
            Convolution("Conv2d_3b_1x1", 64, 80, 1), Convolution("Conv2d_4a_3x3", 80, 192, 3), ("MaxPool_2", InceptionBlocks.Halved),
            ("Mixed_5b", Blocks("Mixed_5b").A(192, 32)), ("Mixed_5c", Blocks("Mixed_5c").A(256, 64)), ("Mixed_5d", Blocks("Mixed_5d").A(288, 64)), ("Mixed_6a", Blocks("Mixed_6a").B(288)),
            ("Mixed_6b", Blocks("Mixed_6b").C(768, 128)), ("Mixed_6c", Blocks("Mixed_6c").C(768, 160)), ("Mixed_6d", Blocks("Mixed_6d").C(768, 160)), ("Mixed_6e", Blocks("Mixed_6e").C(768, 192)),
            ("Mixed_7a", Blocks("Mixed_7a").D(768)), ("Mixed_7b", Blocks("Mixed_7b").E(1280, poolsByMaximum: false)), ("Mixed_7c", Blocks("Mixed_7c").E(2048, poolsByMaximum: true)),
        ];
        classWeight = (weights / "fc").Get("weight", [Classes, Features], Inits.Zeros, precise: true);
        classBias = (weights / "fc").Get("bias", [Classes], Inits.Zeros, precise: true);
        weights.Complete(name => name.EndsWith("num_batches_tracked", StringComparison.Ordinal) || name.StartsWith("AuxLogits.", StringComparison.Ordinal));
    }

    /// <summary>From the published file, pt_inception-2015-12-05-6726825d.pth, or the same tensors as safetensors.</summary>
    /// <exception cref="WeightsException">Another network, such as torchvision's with its 1,000 classes.</exception>
    public static InceptionNetwork Load(string path) => TensorScope.Unscoped(() =>
    {
        var tensors = WeightFiles.Read(path);
        Weights? weights = null;
        try
        {
            weights = Weights.Later(tensors.Select(pair => KeyValuePair.Create(pair.Key, new StoredTensor(pair.Value))), path);
            return new InceptionNetwork(weights);
        }
        catch
        {
            weights?.Dispose();
            foreach (var tensor in tensors.Values) tensor.Dispose();
            throw;
        }
    });

    /// <summary>Pooled features of pictures of [n, 3, 299, 299] in -1 … 1: [n, width], after the first pool (64), the second (192), block 6e (768) or the last (2048, which FID is defined by).</summary>
    public Tensor Of(Tensor pixels, int width = Features, Trace? trace = null)
    {
        var last = width switch
        {
            64 => "MaxPool_1",
            192 => "MaxPool_2",
            768 => "Mixed_6e",
            Features => "Mixed_7c",
            _ => throw new ArgumentOutOfRangeException(nameof(width), width, "Inception has features of 64, 192, 768 and 2048"),
        };
        var x = pixels;
        foreach (var (name, forward) in stages)
        {
            x = forward(x);
            trace?.Add(name, x);
            if (name == last) break;
        }

        return x.Mean([2, 3]);
    }

    /// <summary>Class scores of the 2,048 features, before the softmax: [n, 1008]. Inception Score is defined without the bias.</summary>
    public Tensor Classify(Tensor features, bool bias = false) => features.Linear(classWeight, bias ? classBias : null);

    public void Dispose()
    {
        foreach (var one in owned) one.Dispose();
        weights.Dispose();
    }
}
