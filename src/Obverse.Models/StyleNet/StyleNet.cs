using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// CLIPStyler's U-Net (Kwon and Ye 2022; spec canvases.md 5.8) under its authors' key names: pictures [n, 3, h, w] in [0, 1] to the same. Sides are multiples of 8 and at least 16; others are padded
/// by reflection and cut back.
/// </summary>
public sealed class StyleNet : IDisposable
{
    private readonly Weights weights;
    private readonly Conv2d first, last, shrink1, shrink2, shrink3;
    private readonly StyleBlock init, down1, down2, down3, encoding, up3, up2, up1, output;

    /// <summary>Reads it from weights that it then owns; new ones are drawn as PyTorch draws convolutions.</summary>
    public StyleNet(Weights weights, int width = 16)
    {
        this.weights = weights;
        var (w1, w2, w4, w8) = (width, 2 * width, 4 * width, 8 * width);
        first = new(weights / "conv_init", 3, w1, kernel: 1, padding: 0);
        init = new(weights / "init", w1, w1);
        (down1, shrink1) = (new(weights / "down1", w1, w1), Shrink(weights / "down1", w1));
        (down2, shrink2) = (new(weights / "down2", w1, w2), Shrink(weights / "down2", w2));
        (down3, shrink3) = (new(weights / "down3", w2, w4), Shrink(weights / "down3", w4));
        encoding = new(weights / "encoding", w4, w8);
        up3 = new(weights / "up3", w8 + w4, w4);
        up2 = new(weights / "up2", w4 + w2, w2);
        up1 = new(weights / "up1", w2 + w1, w1);
        output = new(weights / "out", w1 + w1, w1);
        last = new(weights / "conv_fin", w1, 3, kernel: 1, padding: 0);
    }

    /// <summary>All its tensors by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Parameters => weights.All;

    /// <summary>Writes its tensors under its authors' names.</summary>
    public void Save(string path) => Safetensors.Save(path, Parameters);

    /// <summary>From its file, or from that of a canvas in which it was trained (<c>--save</c>).</summary>
    public static StyleNet Load(string path, Device? device = null)
    {
        var loaded = Read(path, device);
        try
        {
            var width = loaded.Outline.FirstOrDefault(tensor => tensor.Name == "conv_init.weight").Shape is [var outputs, ..] ? (int)outputs : throw new WeightsException($"{path}: not a StyleNet: no tensor 'conv_init.weight'");
            var network = new StyleNet(loaded, width);
            loaded.Complete();
            return network;
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    private static Weights Read(string path, Device? device)
    {
        const string OfCanvas = "canvas.network.";
        using var file = Safetensors.Open(path);
        var names = file.Names.Where(name => name.StartsWith(OfCanvas, StringComparison.Ordinal)).ToArray();
        return names.Length == 0 ? Weights.Load(path, device) : Weights.From(names.Select(name => KeyValuePair.Create(name[OfCanvas.Length..], file[name])), path, device);
    }

    /// <summary>The picture in its new style.</summary>
    public Tensor Forward(Tensor pictures, Trace? trace = null)
    {
        var (h, w) = (pictures.Size(2), pictures.Size(3));
        long Missing(long side) => Math.Max(16, (side + 7) / 8 * 8) - side;
        if (h < 2 || w < 2) throw new ArgumentException($"a picture of {w}x{h} is too small for StyleNet: sides of at least 2 were wanted");
        var padded = pictures;
        while ((Missing(padded.Size(2)), Missing(padded.Size(3))) is var (below, right) && (below > 0 || right > 0))
        {
            padded = padded.Pad([0, Math.Min(right, padded.Size(3) - 1), 0, Math.Min(below, padded.Size(2) - 1)], "reflect"); // a reflection is at most as long as the side
        }

        return padded == pictures ? Whole(pictures, trace) : Whole(padded, trace).Narrow(2, 0, h).Narrow(3, 0, w);
    }

    public void Dispose() => weights.Dispose();

    private Tensor Whole(Tensor x, Trace? trace)
    {
        Tensor Seen(string name, Tensor value)
        {
            trace?.Add(name, value);
            return value;
        }

        static Tensor Up(Tensor small) => small.Resize(2 * small.Size(2), 2 * small.Size(3));
        var start = Seen("init", init.Forward(first.Forward(x)));
        var f1 = Seen("down1_f", down1.Forward(start));
        var d1 = Seen("down1", shrink1.Forward(f1));
        var f2 = Seen("down2_f", down2.Forward(d1));
        var d2 = Seen("down2", shrink2.Forward(f2));
        var f3 = Seen("down3_f", down3.Forward(d2));
        var d3 = Seen("down3", shrink3.Forward(f3));
        var code = Seen("encoding", encoding.Forward(d3));
        var u3 = Seen("up3", up3.Forward(Tensor.Cat([Up(code), f3], 1)));
        var u2 = Seen("up2", up2.Forward(Tensor.Cat([Up(u3), f2], 1)));
        var u1 = Seen("up1", up1.Forward(Tensor.Cat([Up(u2), f1], 1)));
        var end = Seen("out", output.Forward(Tensor.Cat([u1, start], 1)));
        return last.Forward(end).Sigmoid();
    }

    private static Conv2d Shrink(Weights weights, int width) => new(weights / "downsample", width, width, kernel: 4, stride: 2, padding: 1);
}

/// <summary>Twice convolution, instance norm, ReLU; a 1x1 convolution of the input is added after the last.</summary>
internal sealed class StyleBlock(Weights weights, int inputs, int outputs)
{
    private readonly Conv2d first = new(weights / "conv" / "0", inputs, outputs), second = new(weights / "conv" / "3", outputs, outputs), skip = new(weights / "skip", inputs, outputs, kernel: 1, padding: 0);

    // Instance norm without weights: as many groups as channels.
    public Tensor Forward(Tensor x) => TensorScope.Of(() => second.Forward(first.Forward(x).GroupNorm(outputs, null, null, 1e-5).Relu()).GroupNorm(outputs, null, null, 1e-5).Relu() + skip.Forward(x));
}
