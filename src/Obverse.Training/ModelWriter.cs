using Obverse.Torch;

namespace Obverse.Training;

/// <summary>Writes a trained model's weights.</summary>
internal static class ModelWriter
{
    public const string WeightsFile = "diffusion_pytorch_model.safetensors";

    /// <summary>A part's weights, by the name that diffusers looks for.</summary>
    public static void Save(string part, IEnumerable<KeyValuePair<string, Tensor>> weights)
    {
        Directory.CreateDirectory(part);
        SaveFile(Path.Combine(part, WeightsFile), weights);
    }

    /// <summary>Matrices and larger as fp16, vectors as they are.</summary>
    public static void SaveFile(string path, IEnumerable<KeyValuePair<string, Tensor>> weights, params ReadOnlySpan<KeyValuePair<string, string>> metadata)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        Safetensors.Save(path, weights.Select(w => KeyValuePair.Create(w.Key, w.Value.Dims >= 2 ? w.Value.Detach().To(DType.Float16) : w.Value.Detach())), new Dictionary<string, string>([new("format", "pt"), .. metadata]));
    }
}
