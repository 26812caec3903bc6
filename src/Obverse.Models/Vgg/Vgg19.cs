using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>The convolutions of VGG19 (Simonyan and Zisserman 2015) up to conv5_2, by torchvision's names (`features.N.weight`); what comes after is left out.</summary>
public sealed class Vgg19 : IDisposable
{
    // Index of each convolution in torchvision's `features`; a ReLU follows each, and 2x2 pooling where the next index is further on.
    private static readonly int[] places = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30];
    private static readonly Dictionary<string, int> taps = new() { ["conv1_1"] = 0, ["conv2_1"] = 5, ["conv3_1"] = 10, ["conv4_1"] = 19, ["conv4_2"] = 21, ["conv5_1"] = 28, ["conv5_2"] = 30 };

    private readonly Weights weights;
    private readonly Conv2d[] convolutions;

    /// <summary>Reads it from weights that it then owns.</summary>
    public Vgg19(Weights weights)
    {
        this.weights = weights;
        var inputs = 3L;
        convolutions = new Conv2d[places.Length];
        for (var i = 0; i < places.Length; i++)
        {
            var name = $"features.{places[i]}.weight";
            var outputs = weights.Outline.FirstOrDefault(tensor => tensor.Name == name).Shape is [var wide, ..] ? wide : throw new WeightsException($"{weights.Origin}: not VGG19's weights: no tensor '{name}'");
            convolutions[i] = new(weights / "features" / places[i], inputs, outputs);
            inputs = outputs;
        }
    }

    /// <summary>From torchvision's file.</summary>
    public static Vgg19 Load(string path, Device? device = null)
    {
        var loaded = Weights.Later(WeightFiles.Read(path).Select(pair => KeyValuePair.Create(pair.Key, new StoredTensor(pair.Value))), path, device);
        try
        {
            return new(loaded);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    /// <summary>Feature maps by name, "conv4_2" …, each after its ReLU, as torchvision's in-place ReLUs leave them to CLIPStyler. Pictures [n, 3, h, w] in [0, 1]; ImageNet's mean and deviation are taken off here.</summary>
    public IReadOnlyDictionary<string, Tensor> Features(Tensor pictures, params IReadOnlyCollection<string> names)
    {
        var found = new Dictionary<string, Tensor>();
        var x = (pictures - Tensor.From([0.485f, 0.456f, 0.406f], 1, 3, 1, 1).To(pictures.Device)) / Tensor.From([0.229f, 0.224f, 0.225f], 1, 3, 1, 1).To(pictures.Device);
        for (var i = 0; i < places.Length; i++)
        {
            if (i > 0 && places[i] - places[i - 1] == 3) x = x.MaxPool2d(2);
            x = convolutions[i].Forward(x).Relu();
            foreach (var name in names) if (taps.TryGetValue(name, out var at) && at == places[i]) found[name] = x;
            if (found.Count == names.Count) break;
        }

        return found.Count == names.Count ? found : throw new KeyNotFoundException($"VGG19 has the taps {string.Join(", ", taps.Keys)}; {string.Join(", ", names)} were asked for");
    }

    public void Dispose() => weights.Dispose();
}
