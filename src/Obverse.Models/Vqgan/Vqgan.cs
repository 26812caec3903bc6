using System.Globalization;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// A VQGAN (Esser et al. 2021) under taming-transformers' key names, of any depth and width, with a nearest-code or a Gumbel quantiser (spec canvases.md 5.5). Pictures are [n, 3, h, w] in [-1, 1],
/// latents [n, code width, h / factor, w / factor], codes row numbers of the codebook.
/// </summary>
public sealed class Vqgan : IDisposable
{
    internal const double Epsilon = 1e-6; // of every norm

    private readonly Weights weights;
    private readonly VqganEncoder? encoder;
    private readonly VqganDecoder decoder;
    private readonly Conv2d? before;
    private readonly Conv2d after;
    private readonly Conv2d? logits;

    /// <summary>Reads the network from weights that it then owns; new ones are drawn as taming-transformers draws them.</summary>
    public Vqgan(Weights weights, VqganConfig config)
    {
        (this.weights, Config) = (weights, config);
        encoder = config.HasEncoder ? new(weights / "encoder", config) : null;
        before = config.HasEncoder ? new(weights / "quant_conv", config.Latent, config.CodeWidth, kernel: 1, padding: 0) : null;
        after = new(weights / "post_quant_conv", config.CodeWidth, config.Latent, kernel: 1, padding: 0);
        decoder = new(weights / "decoder", config);
        logits = config.IsGumbel ? new(weights / "quantize" / "proj", config.CodeWidth, config.Codes, kernel: 1, padding: 0) : null;
        Codebook = (weights / "quantize" / (config.IsGumbel ? "embed" : "embedding")).Get("weight", [config.Codes, config.CodeWidth], Inits.Uniform(1.0 / config.Codes));
    }

    public VqganConfig Config { get; }

    /// <summary>[codes, code width].</summary>
    public Tensor Codebook { get; }

    /// <summary>All its tensors by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Parameters => weights.All;

    public Device Device => Codebook.Device;

    /// <summary>From a folder, a file (safetensors, or taming's checkpoint) or a name of the zoo. `loss.*`, the discriminator and LPIPS, is left out.</summary>
    /// <exception cref="WeightsException">Not a VQGAN, or one of other channels.</exception>
    public static Vqgan Load(string model, Device? device = null)
    {
        var path = Zoo.WeightsFile(model);
        var read = WeightFiles.Read(path);
        foreach (var (name, tensor) in read.Where(pair => IsLoss(pair.Key)).ToList())
        {
            tensor.Dispose();
            read.Remove(name);
        }

        var weights = Weights.Later(read.Select(pair => KeyValuePair.Create(pair.Key, new StoredTensor(pair.Value))), path, device);
        try
        {
            var config = VqganConfig.Of(weights.Outline, path, GroupsOf(path));
            using (new TensorScope()) _ = new Vqgan(weights.Sketch(), config); // names and shapes first, before anything is widened
            weights.Complete();
            return new(weights, config);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>The latent of pictures before quantising.</summary>
    public Tensor Encode(Tensor pictures, Trace? trace = null)
    {
        if (encoder is null) throw new InvalidOperationException($"{weights.Origin}: these weights have no encoder, so nothing can start from a picture");
        if (pictures.Size(2) % Config.Factor != 0 || pictures.Size(3) % Config.Factor != 0) throw new ArgumentException($"a picture of {pictures.Size(3)}x{pictures.Size(2)} was given; sides of a multiple of {Config.Factor} were wanted");
        return before!.Forward(encoder.Forward(pictures, trace));
    }

    /// <summary>The codes of a latent, [n, h, w]: the nearest by distance, the lowest number of several; of the Gumbel variant those of the largest logit.</summary>
    public Tensor Codes(Tensor latent) => Config.IsGumbel ? Logits(latent).Argmax(1) : Nearest(latent, Codebook);

    /// <summary>The Gumbel variant's logits [n, codes, h, w].</summary>
    public Tensor Logits(Tensor latent) => logits?.Forward(latent) ?? throw new InvalidOperationException("only a Gumbel VQGAN has logits");

    /// <summary>The codebook's rows of codes [n, h, w]: [n, code width, h, w].</summary>
    public Tensor Rows(Tensor codes) => codes.Embedding(Codebook).Permute(0, 3, 1, 2).Contiguous();

    /// <summary>The rows nearest to a latent; the gradient passes to the latent unchanged.</summary>
    public Tensor Quantize(Tensor latent) => Quantize(latent, Codebook);

    /// <inheritdoc cref="Quantize(Tensor)"/>
    public static Tensor Quantize(Tensor latent, Tensor codebook) => latent.StraightThrough(z => Nearest(z, codebook).Embedding(codebook).Permute(0, 3, 1, 2).Contiguous());

    /// <summary>Numbers of the nearest rows by Euclidean distance: [n, h, w].</summary>
    public static Tensor Nearest(Tensor latent, Tensor codebook) => TensorScope.Of(() =>
    {
        using var still = new NoGrad();
        var flat = latent.Detach().Permute(0, 2, 3, 1).Reshape(-1, codebook.Size(1));
        var distances = codebook.Square().Sum(1).Unsqueeze(0) - flat.Matmul(codebook.Detach().T()) * 2; // |z|² is the same for all rows
        return distances.Argmin(1).Reshape(latent.Size(0), latent.Size(2), latent.Size(3));
    });

    /// <summary>A quantised latent as pictures.</summary>
    public Tensor Decode(Tensor quantized, Trace? trace = null)
    {
        var z = after.Forward(quantized);
        trace?.Add("post_quant_conv", z);
        return decoder.Forward(z, trace);
    }

    /// <summary>Writes it as safetensors.</summary>
    public void Save(string path, IReadOnlyDictionary<string, string>? metadata = null, bool half = false) => weights.Save(path, metadata, half);

    public void Dispose() => weights.Dispose();

    private static int GroupsOf(string path)
    {
        if (!path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)) return VqganConfig.UsualGroups;
        using var file = Safetensors.Open(path);
        return !file.Metadata.TryGetValue(VqganConfig.GroupsKey, out var text) ? VqganConfig.UsualGroups
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var groups) && groups > 0 ? groups : throw new WeightsException($"{path}: {VqganConfig.GroupsKey} is '{text}'; a whole number above 0 was wanted");
    }

    private static bool IsLoss(string name) => name.StartsWith("loss.", StringComparison.Ordinal);
}
