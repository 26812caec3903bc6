using System.Text.Json;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>A picture of an index: its caption, where it is (from the working folder), and the SHA-256 of its file.</summary>
public sealed record IndexedPicture(string Caption, string Path, string Sha256);

public sealed partial class RetrievalIndex
{
    private const string Keyword = "obverse-index", PathsFrom = "paths-from";

    /// <summary>SHA-256 of the weights that made it; null where nobody knows.</summary>
    public string? ModelSha256 { get; init; }

    /// <summary>The pictures' files, [n]; none where it holds embeddings only.</summary>
    public IReadOnlyList<IndexedPicture> Pictures { get; init; } = [];

    /// <summary>Small pictures to show, one a row; null where it holds none.</summary>
    public Thumbnails? Thumbnails { get; init; }

    /// <summary>The file of an index: itself, or <c>index.safetensors</c> of a folder.</summary>
    public static string FileOf(string path) => Directory.Exists(path) ? System.IO.Path.Combine(path, "index.safetensors") : path;

    /// <summary>Where an index is written to that is asked for by this name: a file by its ending, else a folder.</summary>
    /// <exception cref="ArgumentException">A file of another kind.</exception>
    public static string FileToWrite(string path) =>
        System.IO.Path.GetExtension(path).Equals(".safetensors", StringComparison.OrdinalIgnoreCase) ? path
        : File.Exists(path) ? throw new ArgumentException($"'{path}' is a file, and no .safetensors; a name ending in .safetensors or a folder was wanted")
        : System.IO.Path.Combine(path, "index.safetensors");

    /// <summary>The first row of a file's `embeddings`, of length 1, to search by.</summary>
    /// <exception cref="ArgumentException">Another model's.</exception>
    public Tensor ReadQuery(string path)
    {
        using var file = Safetensors.Open(path);
        if (file.Metadata.TryGetValue("model-sha256", out var sha256)) MustBelongTo(file.Metadata.GetValueOrDefault("model", path), sha256);
        return TensorScope.Of(() => file["embeddings"].To(DType.Float32)[0].Normalized());
    }

    /// <summary>One safetensors file: `texts` and `images` [n, d], thumbnails; model and pictures in its metadata.</summary>
    public void Save(string path)
    {
        IReadOnlyList<IndexedPicture> pictures = Pictures.Count > 0 || Captions.Count == 0 ? [.. Pictures.Select(picture => picture with { Path = FromFolder(picture.Path, path) })] : [.. Captions.Select(caption => new IndexedPicture(caption, "", ""))];
        using var scope = new TensorScope();
        Safetensors.Save(path, [new("texts", texts), new("images", images), .. Thumbnails?.ToTensors() ?? []], new Dictionary<string, string>
        {
            [Keyword] = "1", [PathsFrom] = "index", ["model"] = Model, ["model-sha256"] = ModelSha256 ?? "", ["pictures"] = JsonSerializer.Serialize(pictures),
        });
    }

    /// <summary>Opens an index by its file, or by the folder that its file is in.</summary>
    /// <exception cref="WeightsException">Not an index, or a damaged one.</exception>
    public static RetrievalIndex Open(string path, Device? device = null)
    {
        path = FileOf(path);
        using var file = Safetensors.Open(path);
        if (!file.Metadata.ContainsKey(Keyword)) throw new WeightsException($"{path}: is no index; `obverse index build` makes one");
        using var scope = new TensorScope();
        try
        {
            var pictures = JsonSerializer.Deserialize<IndexedPicture[]>(file.Metadata["pictures"]) ?? [];
            if (pictures.Any(picture => picture is not { Caption: not null, Path: not null, Sha256: not null })) throw new WeightsException($"{path}: has a row without a caption, a path or a hash");
            if (file.Metadata.GetValueOrDefault(PathsFrom) == "index") pictures = [.. pictures.Select(picture => picture with { Path = FromHere(picture.Path, path) })];
            return new(file.Metadata["model"], Finite(file, "texts", device), Finite(file, "images", device), pictures.Length > 0 ? [.. pictures.Select(picture => picture.Caption)] : null)
            {
                ModelSha256 = file.Metadata["model-sha256"] is { Length: > 0 } sha ? sha : null, Location = path, Pictures = pictures, Thumbnails = Thumbnails.Of(file, file.Describe("texts").Shape[0]),
            };
        }
        catch (Exception e) when (e is KeyNotFoundException or JsonException or ArgumentException or InvalidOperationException)
        {
            throw new WeightsException($"{path}: is not an index as it should be: {e.Message}", e);
        }
    }

    // A relative path means one thing in memory, from the working folder, and another in the file, from the index's folder: so pictures are found from anywhere, and index and pictures can move together. Before "paths-from" was stored both were from the working folder.
    private static string FromFolder(string picture, string index) => picture.Length == 0 || System.IO.Path.IsPathRooted(picture) ? picture : System.IO.Path.GetRelativePath(FolderOf(index), System.IO.Path.GetFullPath(picture)).Replace(System.IO.Path.DirectorySeparatorChar, '/');

    private static string FromHere(string picture, string index) => picture.Length == 0 || System.IO.Path.IsPathRooted(picture) ? picture : System.IO.Path.GetRelativePath(".", System.IO.Path.Combine(FolderOf(index), picture));

    private static string FolderOf(string index) => System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(index))!;

    /// <exception cref="WeightsException">NaN or infinite numbers.</exception>
    internal static Tensor Finite(Safetensors file, string name, Device? device) =>
        file[name] is var tensor && tensor.IsFinite().All().Item() != 0 ? tensor.To(device ?? Device.Cpu, DType.Float32) : throw new WeightsException($"{file.Path}: tensor '{name}' holds NaN or infinite numbers");

    /// <summary>Refuses the weights of another model.</summary>
    public void MustBelongTo(string model, string sha256)
    {
        if (ModelSha256 is not null && ModelSha256 != sha256) throw new ArgumentException($"the index was made with {Model} (SHA-256 {Short(ModelSha256)}…); this model is {model} ({Short(sha256)}…)");

        static string Short(string sha) => sha[..Math.Min(12, sha.Length)];
    }
}
