using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>
/// What fine-tuning changed of a Stable Diffusion model and its CLIP: cross-attention weights, picture prompts, a conversion layer, words. A small safetensors file with the hash of its base; Custom
/// Diffusion's files of diffusers are read and written too. It owns its tensors.
/// </summary>
public sealed class TunedDelta : IDisposable
{
    /// <summary>Custom Diffusion's file in diffusers' folders; a word's embedding lies beside it, in a file of the word's name.</summary>
    public const string DiffusersFile = "pytorch_custom_diffusion_weights.safetensors";

    private readonly Dictionary<string, Tensor> attention, prompts;
    private readonly Tensor? linear;
    private readonly Dictionary<string, Tensor> tokens;

    /// <param name="path">Where it is from, for messages.</param>
    /// <param name="info">Null: another program's, which says nothing of its base.</param>
    /// <param name="attention">UNet weights by their own names.</param>
    /// <param name="prompts">Of <see cref="PicturePrompts"/>, by name.</param>
    /// <param name="linear">In the place of the pseudo-inverse.</param>
    /// <param name="tokens">Embeddings of words.</param>
    internal TunedDelta(string path, DeltaInfo? info, Dictionary<string, Tensor> attention, Dictionary<string, Tensor> prompts, Tensor? linear, Dictionary<string, Tensor> tokens) =>
        (Path, Info, this.attention, this.prompts, this.linear, this.tokens) = (path, info, attention, prompts, linear, tokens);

    /// <summary>Of tensors that go on being used: copies.</summary>
    public static TunedDelta Of(DeltaInfo info, IEnumerable<KeyValuePair<string, Tensor>> attention, IReadOnlyDictionary<string, Tensor>? prompts = null, Tensor? linear = null, IEnumerable<KeyValuePair<string, Tensor>>? tokens = null)
    {
        Dictionary<string, Tensor> Copies(IEnumerable<KeyValuePair<string, Tensor>>? of) => (of ?? []).ToDictionary(t => t.Key, t => t.Value.OwnedCopy());
        return new("delta", info, Copies(attention), Copies(prompts), linear?.OwnedCopy(), Copies(tokens));
    }

    public string Path { get; }
    public DeltaInfo? Info { get; }

    /// <summary>The UNet's weights that it replaces, by the UNet's names.</summary>
    public IReadOnlyDictionary<string, Tensor> Attention => attention;

    /// <summary>A layer in the place of the text projection's pseudo-inverse; null: none.</summary>
    public Tensor? Linear => linear;

    /// <summary>Words and their embeddings.</summary>
    public IReadOnlyDictionary<string, Tensor> Tokens => tokens;

    /// <summary>Whether pictures are seen or converted otherwise than by the CLIP alone.</summary>
    public bool Converts => prompts.Count > 0 || linear is not null;

    /// <summary>From a file, or a folder as diffusers' training script leaves one; the words beside its file are read with it.</summary>
    /// <exception cref="WeightsException">Not a delta.</exception>
    public static TunedDelta Load(string path)
    {
        if (File.Exists(path) && IsDiffusers(System.IO.Path.GetFileName(path)) && System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)) is { } folder) path = folder;
        if (!Directory.Exists(path)) return TensorScope.Unscoped(() => Read(path, [path]));
        string[] files = [.. Directory.EnumerateFiles(path).Where(file => IsPart(System.IO.Path.GetFileName(file))).Order(StringComparer.Ordinal)];
        return files.Length > 0 ? TensorScope.Unscoped(() => Read(path, files)) : throw new WeightsException($"{path}: no delta; a file of `obverse tune`, or {DiffusersFile} and words such as <new1>.bin were wanted");
    }

    /// <summary>The one file that stands for a delta: of a folder, Custom Diffusion's.</summary>
    public static string FileOf(string path) => !Directory.Exists(path) ? path
        : Directory.EnumerateFiles(path).Where(file => IsDiffusers(System.IO.Path.GetFileName(file))).Order(StringComparer.Ordinal).LastOrDefault() ?? throw new WeightsException($"{path}: no {DiffusersFile} in this folder");

    /// <summary>What a file says of itself; null: another program's.</summary>
    public static DeltaInfo? InfoOf(string path)
    {
        using var file = WeightFile.Open(FileOf(path));
        return DeltaInfo.Of(file.Metadata, path);
    }

    /// <summary>Writes it whole.</summary>
    public void Save(string path)
    {
        var named = attention.Select(t => KeyValuePair.Create(DeltaNames.ToDiffusers(t.Key), t.Value)).Concat(prompts.Select(t => KeyValuePair.Create(DeltaNames.Prompts + t.Key, t.Value)))
            .Concat(tokens.Select(t => KeyValuePair.Create(DeltaNames.Tokens + t.Key, t.Value)));
        if (linear is not null) named = named.Append(new(DeltaNames.Linear, linear));
        Safetensors.Save(path, named, new Dictionary<string, string> { ["format"] = "pt", [DeltaInfo.Keyword] = Info?.ToJson() ?? throw new InvalidOperationException($"{Path}: says nothing of its base") });
    }

    /// <summary>Writes what diffusers reads: <see cref="DiffusersFile"/> for `unet.load_attn_procs`, and a file a word for `load_textual_inversion`.</summary>
    /// <exception cref="NotSupportedException">It holds what diffusers has no place for.</exception>
    public void SaveForDiffusers(string folder)
    {
        if (Converts) throw new NotSupportedException($"{folder}: diffusers has no place for tuned picture prompts or a conversion layer; Custom Diffusion, and SD-IPC with the parts U, can be written for it");
        Directory.CreateDirectory(folder);
        Dictionary<string, string> format = new() { ["format"] = "pt" };
        Safetensors.Save(System.IO.Path.Combine(folder, DiffusersFile), attention.Select(t => KeyValuePair.Create(DeltaNames.ToDiffusers(t.Key), t.Value)), format);
        foreach (var (word, embedding) in tokens) Safetensors.Save(System.IO.Path.Combine(folder, word + ".safetensors"), [new(word, embedding)], format);
    }

    /// <summary>Writes over a model's weights and gives it the words.</summary>
    /// <exception cref="InvalidDataException">It belongs to another model.</exception>
    public void ApplyTo(StableDiffusionModel model)
    {
        if (Info is { } info && info.ModelSha256 != model.Sha256) throw new InvalidDataException($"{Path} was tuned on {Visible.Of(info.Model)} (UNet {Short(info.ModelSha256)}); {System.IO.Path.GetFileName(model.Folder.TrimEnd('/'))} is another model (UNet {Short(model.Sha256)})");
        using var still = new NoGrad();
        foreach (var (name, tensor) in attention)
        {
            if (!model.UNetWeights.TryGetValue(name, out var weight)) throw new InvalidDataException($"{Path}: tensor '{name}' belongs to no part of {model.Folder}'s UNet");
            MustFit(name, tensor, weight.Shape);
            weight.CopyInPlace(tensor);
        }

        if (tokens.Count == 0) return;
        foreach (var (word, embedding) in tokens) MustFit(word, embedding, [model.TextConfig.Width]);
        model.Added?.Dispose();
        model.Added = new([.. tokens.Keys], Tensor.Owned(() => Tensor.Stack([.. tokens.Values.Select(t => t.To(DType.Float32))])), model.TextConfig.VocabularySize);
    }

    /// <summary>Its picture prompts on a CLIP, which the caller disposes; null: it has none.</summary>
    /// <exception cref="InvalidDataException">It was tuned on another CLIP.</exception>
    public PicturePrompts? PromptsOn(ClipModel clip)
    {
        MustBeOf(clip);
        return prompts.Count == 0 ? null : PicturePrompts.From(clip, prompts.ToDictionary(t => t.Key, t => t.Value.OwnedCopy()), Info?.Placement ?? PromptPlacement.Insert, Path);
    }

    public void Dispose()
    {
        foreach (var tensor in attention.Values.Concat(prompts.Values).Concat(tokens.Values)) tensor.Dispose();
        linear?.Dispose();
    }

    private void MustBeOf(ClipModel clip)
    {
        if (!Converts || Info?.ClipSha256 is not { } wanted || clip.Folder is null) return;
        var hash = StoredFile.Hash(WeightFiles.Find(clip.Folder));
        if (hash != wanted) throw new InvalidDataException($"{Path} was tuned on the CLIP {Visible.Of(Info.Clip ?? "")} ({Short(wanted)}); {System.IO.Path.GetFileName(clip.Folder)} is another ({Short(hash)})");
    }

    private void MustFit(string name, Tensor tensor, long[] shape)
    {
        if (!tensor.Shape.AsSpan().SequenceEqual(shape)) throw new InvalidDataException($"{Path}: '{name}' has the shape [{string.Join(", ", tensor.Shape)}], the model's is [{string.Join(", ", shape)}]");
    }

    private static bool IsDiffusers(string name) => name.StartsWith("pytorch_custom_diffusion_weights.", StringComparison.Ordinal);

    private static bool IsPart(string name) => IsDiffusers(name) || name.StartsWith('<') && System.IO.Path.GetExtension(name) is ".bin" or ".safetensors";

    private static string Short(string hash) => hash.Length > 12 ? hash[..12] + "…" : hash;

    private static TunedDelta Read(string path, string[] files)
    {
        DeltaInfo? info = null;
        Dictionary<string, Tensor> attention = [], prompts = [], tokens = [];
        Tensor? linear = null;
        var made = new TunedDelta(path, null, attention, prompts, null, tokens);
        try
        {
            foreach (var file in files)
            {
                using var weights = WeightFile.Open(file);
                info ??= DeltaInfo.Of(weights.Metadata, file);
                foreach (var name in weights.Names)
                {
                    using var scope = new TensorScope();
                    var tensor = weights[name].To(DType.Float32).OwnedCopy();
                    if (!double.IsFinite(tensor.Sum().Item())) throw new WeightsException($"{file}: tensor '{Visible.Of(name)}' holds NaN or infinite numbers");
                    bool Once(Dictionary<string, Tensor> of, string key) => of.TryAdd(key, tensor) ? true : throw new WeightsException($"{file}: tensor '{Visible.Of(name)}' is there twice, by another name too");
                    if (DeltaNames.ToUNet(name) is { } weight) Once(attention, weight);
                    else if (name.StartsWith(DeltaNames.Prompts, StringComparison.Ordinal)) Once(prompts, name[DeltaNames.Prompts.Length..]);
                    else if (name == DeltaNames.Linear) linear = tensor;
                    else if (DeltaNames.Token(name) is { } word && !string.IsNullOrWhiteSpace(word)) Once(tokens, word);
                    else throw new WeightsException($"{file}: tensor '{Visible.Of(name)}' is none of a delta of `obverse tune` or of Custom Diffusion's{(name.Contains("lora", StringComparison.OrdinalIgnoreCase) ? "; LoRA files go to --lora" : "")}");
                }
            }

            if (attention.Count + prompts.Count + tokens.Count == 0 && linear is null) throw new WeightsException($"{path}: an empty delta");
            return new(path, info, attention, prompts, linear, tokens);
        }
        catch
        {
            made.Dispose();
            linear?.Dispose();
            throw;
        }
    }
}
