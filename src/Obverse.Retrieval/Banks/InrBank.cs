using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>
/// Implicit representations of captioned pictures, all of one plan, with their embeddings (spec implicit-inversion.md 2.4): an inversion starts from the one whose caption is nearest. One safetensors
/// file of half precision: `layerN.weight` [n, out, in], `layerN.bias` [n, out], `texts` and `images` [n, d]; plan, model and captions in its metadata. `pairs.texts` and `pairs.images` [m, d], where
/// they are there, are the embeddings of many more captioned pictures of the same model; their captions are in the metadata.
/// </summary>
public sealed class InrBank : IDisposable
{
    private readonly (Tensor Weight, Tensor Bias)[] layers; // [n, out, in], [n, out]
    private readonly RetrievalIndex? pairs;

    /// <summary>Takes over the index; copies the weights.</summary>
    public InrBank(Inr plan, IReadOnlyList<(Tensor Weight, Tensor Bias)> weights, RetrievalIndex index)
    {
        if (weights.Count != plan.Hidden + 2 || weights.Any(layer => layer.Weight.Size(0) != index.Count || layer.Bias.Size(0) != index.Count)) throw new ArgumentException($"bank: {weights.Count} layers were given, of {string.Join(", ", weights.Select(layer => layer.Weight.Size(0)).Distinct())} entries; {plan.Hidden + 2} layers of {index.Count} are wanted");
        (Plan, Index) = (plan, index);
        layers = [.. weights.Select(layer => (layer.Weight.OwnedCopy(), layer.Bias.OwnedCopy()))];
    }

    public Inr Plan { get; }

    /// <summary>The entries' captions and embeddings.</summary>
    public RetrievalIndex Index { get; }
    public long Count => Index.Count;

    /// <summary>What alignment and blending look at: more captioned pictures than have representations, or the entries themselves.</summary>
    [AllowNull]
    public RetrievalIndex Pairs
    {
        get => pairs ?? Index;
        init
        {
            value?.MustMatch(Index);
            pairs = value;
        }
    }

    /// <summary>How the entries were fitted; null where nobody knows.</summary>
    public InrBankSettings? Settings { get; init; }

    /// <summary>PSNR of each entry's rendering to its blurred picture, dB; none where nobody knows.</summary>
    public IReadOnlyList<double> Psnr { get; init; } = [];

    /// <summary>Which part of a build this is, where it is one.</summary>
    public (int Part, int Of)? Shard { get; init; }

    /// <summary>The entry whose caption is nearest to a prompt's embedding, [d].</summary>
    public long Nearest(Tensor prompt)
    {
        using var scope = new TensorScope();
        return (long)Index.NearestTexts(prompt, 1).Rows.Item();
    }

    /// <summary>A canvas that starts as an entry.</summary>
    public InrCanvas Take(long entry, long height, long width)
    {
        if (entry < 0 || entry >= Count) throw new ArgumentOutOfRangeException(nameof(entry), entry, $"the bank has {Count} entries");
        using var scope = new TensorScope();
        return new(Plan, [.. layers.Select(layer => (layer.Weight.Narrow(0, entry, 1), layer.Bias.Narrow(0, entry, 1)))], height, width);
    }

    /// <summary>N entries, evenly from the first to the last; all of fewer.</summary>
    public IReadOnlyList<long> Evenly(int count) => [.. Enumerable.Range(0, (int)Math.Min(Count, count)).Select(i => i * Count / Math.Min(Count, count))];

    /// <summary>What an entry was fitted to, [1, side · side, 3] in -1 … 1; null where nobody knows, or its picture is gone or another now.</summary>
    public Tensor? Target(long entry)
    {
        if (Settings is null || Index.Pictures.Count == 0 || Index.Pictures[(int)entry] is not { Path.Length: > 0 } picture || !File.Exists(picture.Path) || StoredFile.Hash(picture.Path) != picture.Sha256) return null;
        return Settings.Targets(Settings.Pixels(picture.Path), 1);
    }

    /// <summary>Some entries as they are rendered, with their captions.</summary>
    public Picture Sheet(IReadOnlyList<long> entries, string title, int cell = 96)
    {
        var cells = entries.Select(entry =>
        {
            using var scope = new TensorScope();
            using var canvas = Take(entry, cell, cell);
            return (canvas.Show().ToPicture(), Index.Captions.Count > 0 ? Index.Captions[(int)entry] : $"entry {entry}");
        }).ToArray();
        return ContactSheet.Draw(cells, Math.Min(12, cells.Length), cell, $"{title}: {entries.Count} of {Count} entries", captionLines: 2);
    }

    /// <summary>The same entries and pictures with their captions embedded anew, after the model's text encoder has changed; the bank owns nothing of this one.</summary>
    /// <param name="embed">Captions to [n, d].</param>
    /// <param name="caption">What is embedded in a caption's place; null: the caption.</param>
    /// <exception cref="WeightsException">The captions are not stored.</exception>
    public InrBank Recaptioned(Func<IReadOnlyList<string>, Tensor> embed, Func<string, string>? caption = null)
    {
        RetrievalIndex Again(RetrievalIndex index)
        {
            if (index.Captions.Count == 0) throw new WeightsException("bank: its captions are not stored, so they cannot be embedded again; build it anew");
            string[] captions = [.. index.Captions.Select(text => caption?.Invoke(text) ?? text)];
            using var texts = TensorScope.Of(() => Tensor.Cat([.. captions.Chunk(64).Select(some => TensorScope.Of(() => embed(some)))]));
            return new(index.Model, texts, index.Images, captions) { ModelSha256 = index.ModelSha256, Pictures = index.Pictures };
        }

        return new(Plan, layers, Again(Index)) { Pairs = pairs is null ? null : Again(pairs), Settings = Settings, Psnr = Psnr, Shard = Shard };
    }

    public void Save(string path)
    {
        using var scope = new TensorScope();
        var tensors = FittedInrs.Names(Plan).Zip(layers.SelectMany(layer => new[] { layer.Weight, layer.Bias }), KeyValuePair.Create).Concat([new("texts", Index.Texts), new("images", Index.Images)]);
        if (pairs is not null) tensors = tensors.Concat([new("pairs.texts", pairs.Texts), new("pairs.images", pairs.Images)]);
        var metadata = new Dictionary<string, string>
        {
            ["obverse-bank"] = "1", ["plan"] = JsonSerializer.Serialize(Plan), ["model"] = Index.Model, ["model-sha256"] = Index.ModelSha256 ?? "", ["captions"] = JsonSerializer.Serialize(Index.Captions),
            ["pictures"] = JsonSerializer.Serialize(Index.Pictures), ["psnr"] = JsonSerializer.Serialize(Psnr),
        };
        if (pairs is { Captions.Count: > 0 }) metadata["pairs.captions"] = JsonSerializer.Serialize(pairs.Captions);
        if (Settings is not null) metadata["settings"] = Settings.ToJson();
        if (Shard is var (part, of)) metadata["shard"] = $"{part}/{of}";
        Safetensors.Save(path, [.. tensors.Select(pair => KeyValuePair.Create(pair.Key, pair.Value.To(DType.Float16)))], metadata);
    }

    /// <summary>The file of a bank: itself, or <c>bank.safetensors</c> of a folder, which may be one of the zoo by its name.</summary>
    /// <exception cref="FileNotFoundException">Nothing there.</exception>
    public static string FileOf(string path)
    {
        if (File.Exists(path)) return OrdinaryFile.Checked(path, "bank");
        string?[] folders = [path, Zoo.Folder is { } zoo && path.Length > 0 && path.IndexOfAny(['/', '\\']) < 0 ? Path.Combine(zoo, path) : null];
        return folders.OfType<string>().Select(folder => Path.Combine(folder, "bank.safetensors")).FirstOrDefault(File.Exists) ?? throw new FileNotFoundException($"{path}: no such bank");
    }

    /// <summary>How a run remembers a bank.</summary>
    public static StoredFile Describe(string path) => new(path, StoredFile.Hash(FileOf(path)));

    /// <summary>Which model its embeddings are of, and the SHA-256 of that model's weights where it is known.</summary>
    /// <exception cref="WeightsException">Not a bank.</exception>
    public static (string Model, string? Sha256) ModelOf(string path)
    {
        using var file = Safetensors.Open(FileOf(path));
        _ = PlanOf(file);
        return file.Metadata.TryGetValue("model", out var model) ? (model, Sha256Of(file)) : throw new WeightsException($"{file.Path}: does not say which model it was made with");
    }

    /// <summary>The plan of a bank's entries, without reading them.</summary>
    /// <exception cref="WeightsException">Not a bank.</exception>
    public static Inr PlanOf(string path)
    {
        using var file = Safetensors.Open(FileOf(path));
        return PlanOf(file);
    }

    /// <exception cref="WeightsException">Not a bank.</exception>
    public static InrBank Open(string path, Device? device = null)
    {
        path = FileOf(path);
        using var file = Safetensors.Open(path);
        var plan = PlanOf(file);
        using var scope = new TensorScope();
        try
        {
            Tensor Get(string name) => RetrievalIndex.Finite(file, name, device);
            T[] List<T>(string name) => file.Metadata.TryGetValue(name, out var text) ? JsonSerializer.Deserialize<T[]>(text) ?? [] : [];
            RetrievalIndex Rows(string prefix, string[] captions, IndexedPicture[] pictures) => new(file.Metadata["model"], Get(prefix + "texts"), Get(prefix + "images"), captions.Length > 0 ? captions : null)
            {
                ModelSha256 = Sha256Of(file), Pictures = pictures,
            };
            return new(plan, [.. FittedInrs.Names(plan).Select(Get).Chunk(2).Select(pair => (pair[0], pair[1]))], Rows("", List<string>("captions"), List<IndexedPicture>("pictures")))
            {
                Pairs = file.Contains("pairs.texts") ? Rows("pairs.", List<string>("pairs.captions"), []) : null, Settings = InrBankSettings.Of(file), Psnr = List<double>("psnr"),
            };
        }
        catch (Exception e) when (e is KeyNotFoundException or JsonException or ArgumentException)
        {
            throw new WeightsException($"{path}: is not a bank as it should be: {e.Message}", e);
        }
    }

    public void Dispose()
    {
        Index.Dispose();
        pairs?.Dispose();
        foreach (var (weight, bias) in layers)
        {
            weight.Dispose();
            bias.Dispose();
        }
    }

    /// <inheritdoc cref="PlanOf(string)"/>
    internal static Inr PlanOf(Safetensors file)
    {
        if (!file.Metadata.ContainsKey("obverse-bank") || !file.Metadata.TryGetValue("plan", out var text)) throw new WeightsException($"{file.Path}: is no bank of implicit representations");
        try
        {
            return JsonSerializer.Deserialize<Inr>(text) is { Hidden: >= 0 and < 64, Size: > 0 } plan ? plan : throw new WeightsException($"{file.Path}: its plan is '{text}'");
        }
        catch (JsonException e)
        {
            throw new WeightsException($"{file.Path}: its plan is not JSON ({e.Message})", e);
        }
    }

    private static string? Sha256Of(Safetensors file) => file.Metadata.GetValueOrDefault("model-sha256") is { Length: > 0 } sha256 ? sha256 : null;
}
