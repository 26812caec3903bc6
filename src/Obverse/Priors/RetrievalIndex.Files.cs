using System.Text.Json;
using Obverse.Torch;

namespace Obverse;

/// <summary>A picture of an index: its caption, where it was, and the SHA-256 of its file.</summary>
public sealed record IndexedPicture(string Caption, string Path, string Sha256);

public sealed partial class RetrievalIndex
{
    private const string Keyword = "obverse-index";

    /// <summary>SHA-256 of the weights that made it; null where nobody knows.</summary>
    public string? ModelSha256 { get; init; }

    /// <summary>The pictures' files, [n]; none where only embeddings are kept.</summary>
    public IReadOnlyList<IndexedPicture> Pictures { get; init; } = [];

    /// <summary>One safetensors file: `texts` and `images` [n, d]; model and pictures in its metadata.</summary>
    public void Save(string path)
    {
        var pictures = Pictures.Count > 0 || Captions.Count == 0 ? Pictures : [.. Captions.Select(caption => new IndexedPicture(caption, "", ""))];
        Safetensors.Save(path, [new("texts", texts), new("images", images)], new Dictionary<string, string>
        {
            [Keyword] = "1", ["model"] = Model, ["model-sha256"] = ModelSha256 ?? "", ["pictures"] = JsonSerializer.Serialize(pictures),
        });
    }

    /// <exception cref="WeightsException">Not an index, or a damaged one.</exception>
    public static RetrievalIndex Open(string path, Device? device = null)
    {
        using var file = Safetensors.Open(path);
        if (!file.Metadata.ContainsKey(Keyword)) throw new WeightsException($"{path}: is no index; `obverse index build` makes one");
        using var scope = new TensorScope();
        try
        {
            Tensor Get(string name) => file[name] is var tensor && tensor.IsFinite().All().Item() != 0 ? tensor.To(device ?? Device.Cpu, DType.Float32) : throw new WeightsException($"{path}: tensor '{name}' holds NaN or infinite numbers");
            var pictures = JsonSerializer.Deserialize<IndexedPicture[]>(file.Metadata["pictures"]) ?? [];
            return new(file.Metadata["model"], Get("texts"), Get("images"), pictures.Length > 0 ? [.. pictures.Select(picture => picture.Caption)] : null)
            {
                ModelSha256 = file.Metadata["model-sha256"] is { Length: > 0 } sha ? sha : null, Pictures = pictures,
            };
        }
        catch (Exception e) when (e is KeyNotFoundException or JsonException or ArgumentException)
        {
            throw new WeightsException($"{path}: is not an index as it should be: {e.Message}", e);
        }
    }

    /// <summary>Refuses the weights of another model.</summary>
    public void MustBelongTo(string model, string sha256)
    {
        if (ModelSha256 is not null && ModelSha256 != sha256) throw new ArgumentException($"the index was made with {Model} (SHA-256 {Short(ModelSha256)}…); this model is {model} ({Short(sha256)}…)");

        static string Short(string sha) => sha[..Math.Min(12, sha.Length)];
    }
}
