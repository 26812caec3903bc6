using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>The folders of a diffusers pipeline: a part each, with its configuration and weights.</summary>
internal static class ModelFolder
{
    /// <summary>A part's folder, which must be there.</summary>
    public static string Part(string folder, string part)
    {
        var path = Path.Combine(folder, part);
        return Directory.Exists(path) ? path : throw new WeightsException($"{folder}: no folder {part}, which a Stable Diffusion model in diffusers' layout has");
    }

    public static Weights UNet(string part, Device? device, Precision precision) => Open(part, (tensors, _) => tensors.ToDictionary(t => t.Key, t => new StoredTensor(t.Value)), device, precision);

    public static Weights Autoencoder(string part, Device? device, Precision precision) => Open(part, AutoencoderNames.ToNew, device, precision);

    public static Weights Text(string part, Device? device, Precision precision) => Open(part, (tensors, file) => ClipLayout.ToOpenClip(
        tensors.Keys.Any(name => name.StartsWith("text_model.", StringComparison.Ordinal)) ? tensors : tensors.ToDictionary(t => "text_model." + t.Key, t => t.Value), file), device, precision); // recent transformers leave the prefix out

    /// <summary>A network that owns its weights, all of which it must ask for.</summary>
    public static T Owned<T>(Weights weights, Func<Weights, T> network)
    {
        try
        {
            var made = TensorScope.Unscoped(() => network(weights));
            weights.Complete();
            return made;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    private static Weights Open(string part, Func<IReadOnlyDictionary<string, Tensor>, string, Dictionary<string, StoredTensor>> named, Device? device, Precision precision)
    {
        var file = WeightFiles.OfPart(part);
        var tensors = WeightFiles.Read(file);
        try
        {
            return Weights.Later(named(tensors, file), file, device, precision);
        }
        catch
        {
            foreach (var tensor in tensors.Values) tensor.Dispose();
            throw;
        }
    }
}
