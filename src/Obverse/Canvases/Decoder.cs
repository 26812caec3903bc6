using System.Text.Json.Serialization;
using Obverse.Torch;

namespace Obverse;

/// <summary>
/// A latent seen through a fixed random convolutional decoder: L times enlarged by 2, convolved and rectified, then convolved to colours. Its structure alone prefers natural pictures
/// (deep image prior, Ulyanov et al. 2018). The weights are a file, as a trained decoder's are; they never move.
/// </summary>
/// <param name="Weights">Safetensors with `0.weight` [c, c, 3, 3], `0.bias` … and a last one to 3 channels: a path, or a zoo name. <see cref="WriteRandom"/> makes one.</param>
[Part("decoder")]
public sealed record Decoder(string Weights) : CanvasPlan
{
    [JsonIgnore]
    public override IReadOnlyList<string> NeededWeights => [Weights];

    public override Canvas Create(CanvasContext context)
    {
        if (context.Start is not null) throw new ArgumentException("a decoder's canvas starts from a latent, not from a picture");
        using var file = Safetensors.Open(context.WeightsFile(Weights));
        using var scope = new TensorScope();
        var depth = file.Names.Count(name => name.EndsWith(".weight", StringComparison.Ordinal)) - 1;
        (Tensor, Tensor)[] layers = [.. Enumerable.Range(0, depth + 1).Select(l => (Own(file[$"{l}.weight"]), Own(file[$"{l}.bias"])))];
        var channels = layers[0].Item1.Size(1);
        var (height, width) = ((context.Height + (1L << depth) - 1) >> depth, (context.Width + (1L << depth) - 1) >> depth);
        return new DecoderCanvas(context.Random.Normal(context.Count, channels, height, width), layers, context.Height, context.Width);

        Tensor Own(Tensor tensor) => Tensor.Owned(() => tensor.To(context.Random.Device, DType.Float32).Clone());
    }

    /// <summary>Writes a random decoder (He's initialisation) that enlarges by 2^<paramref name="depth"/>.</summary>
    public static void WriteRandom(string path, int depth = 3, int channels = 32, ulong seed = 0)
    {
        using var scope = new TensorScope();
        using var random = Generator.For(seed);
        var tensors = new List<KeyValuePair<string, Tensor>>();
        for (var l = 0; l <= depth; l++)
        {
            var outputs = l == depth ? 3 : channels;
            tensors.Add(new($"{l}.weight", random.Normal(outputs, channels, 3, 3) * Math.Sqrt(2.0 / (9 * channels))));
            tensors.Add(new($"{l}.bias", Tensor.Zeros([outputs])));
        }

        Safetensors.Save(path, tensors);
    }
}

/// <summary>The latent [count, channels, h, w] is the one parameter group, "latent". It owns the layers.</summary>
public sealed class DecoderCanvas(Tensor latent, IReadOnlyList<(Tensor Weight, Tensor Bias)> layers, long height, long width) : Canvas
{
    private readonly Tensor latent = Leaf(() => latent);

    public override long Count => latent.Size(0);
    public override long Height => height;
    public override long Width => width;
    public override IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parameters)> Groups => [("latent", [latent])];

    public override Tensor Render()
    {
        var x = latent;
        for (var l = 0; l < layers.Count - 1; l++)
        {
            x = x.Resize(2 * x.Size(2), 2 * x.Size(3), Interpolation.Bilinear).Conv2d(layers[l].Weight, layers[l].Bias, padding: 1).Relu();
            x = x / (x.Square().Mean([1], keep: true) + 1e-6).Sqrt(); // channels of unit energy at every place, so that depth neither fades nor glares
        }

        var colours = (x.Conv2d(layers[^1].Weight, layers[^1].Bias, padding: 1) * 0.5).Tanh() * 0.5 + 0.5; // the logistic function
        return (colours.Size(2), colours.Size(3)) == (height, width) ? colours : colours.Narrow(2, 0, height).Narrow(3, 0, width);
    }

    public override Tensor Present(Tensor raw) => raw;

    public override void Dispose()
    {
        base.Dispose();
        foreach (var (weight, bias) in layers)
        {
            weight.Dispose();
            bias.Dispose();
        }
    }
}
