using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// Brings a stored autoencoder's attention to today's names: files of before diffusers 0.12 say query, key, value, proj_attn, and some hold those matrices as 1x1 convolutions, as
/// CompVis had them.
/// </summary>
internal static class AutoencoderNames
{
    private static readonly (string Old, string New)[] names = [(".query.", ".to_q."), (".key.", ".to_k."), (".value.", ".to_v."), (".proj_attn.", ".to_out.0.")];

    /// <summary>Takes over the tensors.</summary>
    public static Dictionary<string, StoredTensor> ToNew(IReadOnlyDictionary<string, Tensor> tensors, string origin) => Renamed(tensors, origin).ToDictionary(t => t.Key, t => new StoredTensor(t.Value));

    /// <inheritdoc cref="ToNew"/>
    public static Dictionary<string, Tensor> Renamed(IReadOnlyDictionary<string, Tensor> tensors, string origin)
    {
        var renamed = new Dictionary<string, Tensor>();
        foreach (var (name, tensor) in tensors)
        {
            var to = name;
            if (name.Contains(".attentions.", StringComparison.Ordinal)) foreach (var (old, now) in names) to = to.Replace(old, now, StringComparison.Ordinal);
            if (!renamed.TryAdd(to, Matrix(to, tensor))) throw new WeightsException($"{origin}: tensor '{to}' is there twice, once by its old name");
        }

        return renamed;
    }

    private static Tensor Matrix(string name, Tensor tensor)
    {
        if (!name.Contains(".to_", StringComparison.Ordinal) || tensor.Shape is not [var rows, var columns, 1, 1]) return tensor;
        using (tensor) return TensorScope.Unscoped(() => tensor.Reshape(rows, columns));
    }
}
