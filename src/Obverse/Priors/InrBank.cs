using System.Text.Json;
using Obverse.Torch;

namespace Obverse;

/// <summary>
/// Implicit representations of captioned pictures, all of one plan, with their embeddings (spec implicit-inversion.md 2.4): a prompt begins from the one whose caption is nearest. One safetensors
/// file: `layerN.weight` [n, out, in], `layerN.bias` [n, out], `texts` and `images` [n, d]; plan, model and captions in its metadata.
/// </summary>
public sealed class InrBank : IDisposable
{
    private readonly (Tensor Weight, Tensor Bias)[] layers; // [n, out, in], [n, out]

    /// <summary>Takes over the index; copies the weights.</summary>
    public InrBank(Inr plan, IReadOnlyList<(Tensor Weight, Tensor Bias)> weights, RetrievalIndex index)
    {
        if (weights.Count != plan.Hidden + 2 || weights.Any(layer => layer.Weight.Size(0) != index.Count || layer.Bias.Size(0) != index.Count)) throw new ArgumentException($"bank: {weights.Count} layers were given, of {string.Join(", ", weights.Select(layer => layer.Weight.Size(0)).Distinct())} entries; {plan.Hidden + 2} layers of {index.Count} are wanted");
        (Plan, Index) = (plan, index);
        layers = [.. weights.Select(layer => (Own(layer.Weight), Own(layer.Bias)))];
    }

    public Inr Plan { get; }

    /// <summary>The entries' captions and embeddings.</summary>
    public RetrievalIndex Index { get; }
    public long Count => Index.Count;

    /// <summary>The entry whose caption is nearest to a prompt's embedding, [d].</summary>
    public long Nearest(Tensor prompt)
    {
        using var scope = new TensorScope();
        return (long)Index.NearestTexts(prompt, 1).Rows.Item();
    }

    /// <summary>A canvas that begins as an entry.</summary>
    public InrCanvas Take(long entry, long height, long width)
    {
        if (entry < 0 || entry >= Count) throw new ArgumentOutOfRangeException(nameof(entry), entry, $"the bank has {Count} entries");
        using var scope = new TensorScope();
        return new(Plan, [.. layers.Select(layer => (layer.Weight.Narrow(0, entry, 1), layer.Bias.Narrow(0, entry, 1)))], height, width);
    }

    public void Save(string path)
    {
        var tensors = layers.SelectMany((layer, l) => new[] { KeyValuePair.Create($"layer{l}.weight", layer.Weight), KeyValuePair.Create($"layer{l}.bias", layer.Bias) });
        Safetensors.Save(path, [.. tensors, KeyValuePair.Create("texts", Index.Texts), KeyValuePair.Create("images", Index.Images)], new Dictionary<string, string>
        {
            ["obverse-bank"] = "1", ["plan"] = JsonSerializer.Serialize(Plan), ["model"] = Index.Model, ["captions"] = JsonSerializer.Serialize(Index.Captions),
        });
    }

    /// <summary>The plan of a bank's entries, without reading them.</summary>
    /// <exception cref="WeightsException">Not a bank.</exception>
    public static Inr PlanOf(string path)
    {
        using var file = Safetensors.Open(path);
        return PlanOf(file);
    }

    /// <exception cref="WeightsException">Not a bank.</exception>
    public static InrBank Open(string path, Device? device = null)
    {
        using var file = Safetensors.Open(path);
        var plan = PlanOf(file);
        using var scope = new TensorScope();
        try
        {
            Tensor Get(string name) => file[name] is var tensor && tensor.IsFinite().All().Item() != 0 ? tensor.To(device ?? Device.Cpu, DType.Float32) : throw new WeightsException($"{path}: tensor '{name}' holds NaN or infinite numbers");
            var index = new RetrievalIndex(file.Metadata["model"], Get("texts"), Get("images"), JsonSerializer.Deserialize<string[]>(file.Metadata["captions"]) is { Length: > 0 } captions ? captions : null);
            return new(plan, [.. Enumerable.Range(0, plan.Hidden + 2).Select(l => (Get($"layer{l}.weight"), Get($"layer{l}.bias")))], index);
        }
        catch (Exception e) when (e is KeyNotFoundException or JsonException or ArgumentException)
        {
            throw new WeightsException($"{path}: is not a bank as it should be: {e.Message}", e);
        }
    }

    public void Dispose()
    {
        Index.Dispose();
        foreach (var (weight, bias) in layers)
        {
            weight.Dispose();
            bias.Dispose();
        }
    }

    private static Inr PlanOf(Safetensors file)
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

    private static Tensor Own(Tensor tensor) => TensorScope.Unscoped(() => TensorScope.Of(() => tensor.Detach().Clone()));
}
