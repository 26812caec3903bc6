using Obverse.Torch;

namespace Obverse.Training;

/// <summary>Writes the parts of a diffusers folder.</summary>
internal static class ModelWriter
{
    public const string WeightsFile = "diffusion_pytorch_model.safetensors";

    /// <summary>Matrices and larger as fp16, vectors as they are.</summary>
    public static void Save(string part, IEnumerable<KeyValuePair<string, Tensor>> weights)
    {
        Directory.CreateDirectory(part);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        Safetensors.Save(Path.Combine(part, WeightsFile), weights.Select(w => KeyValuePair.Create(w.Key, w.Value.Dims >= 2 ? w.Value.Detach().To(DType.Float16) : w.Value.Detach())), new Dictionary<string, string> { ["format"] = "pt" });
    }
}
