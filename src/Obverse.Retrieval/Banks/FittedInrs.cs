using System.Text.Json;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>
/// Representations that are done, by the SHA-256 of their picture's file, in half precision: what an interrupted build goes on from, and what a bank for another model takes over.
/// </summary>
public sealed class FittedInrs(InrBankSettings settings) : IDisposable
{
    private readonly Dictionary<string, (Tensor[] Parts, double Psnr)> found = []; // weight [1, out, in] and bias [1, out] of each layer in turn

    public InrBankSettings Settings => settings;
    public IReadOnlyCollection<string> Hashes => found.Keys;

    public bool Has(string sha256) => found.ContainsKey(sha256);

    /// <summary>PSNR of its rendering to the blurred picture, in dB.</summary>
    public double Psnr(string sha256) => found[sha256].Psnr;

    /// <summary>Takes copies of a canvas, rounded; its rendering is measured as rounded.</summary>
    /// <param name="hashes">One a representation.</param>
    /// <param name="canvas">The fitted ones.</param>
    /// <param name="targets">What they were fitted to, [n, places, 3] in -1 … 1.</param>
    public void Add(IReadOnlyList<string> hashes, InrCanvas canvas, Tensor targets)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        Tensor[] parts = [.. canvas.Groups.SelectMany(layer => layer.Parameters).Select(p => p.Detach().To(DType.Float16))];
        using var rounded = new InrCanvas(settings.Plan, [.. parts.Chunk(2).Select(pair => (pair[0].To(DType.Float32), pair[1].To(DType.Float32)))], canvas.Height, canvas.Width);
        var errors = (rounded.Colours().Clamp(-1, 1) - targets).Square().Mean([1, 2]).ToFloats();
        for (var i = 0; i < hashes.Count; i++) Add(hashes[i], [.. parts.Select(part => part.Narrow(0, i, 1))], 10 * Math.Log10(4 / Math.Max(errors[i], 1e-12)));
    }

    /// <summary>Weights and biases of some, in their order: [n, out, in], [n, out] of each layer in turn, float16.</summary>
    public Tensor[] Gather(IReadOnlyList<string> hashes) => [.. Enumerable.Range(0, 2 * (settings.Plan.Hidden + 2)).Select(p => Tensor.Cat([.. hashes.Select(hash => found[hash].Parts[p])]))];

    /// <summary>Adds what a bank or an unfinished one holds; one of other settings is refused.</summary>
    public void Load(string path)
    {
        using var file = Safetensors.Open(path);
        settings.MustEqual(InrBankSettings.Of(file), path);
        using var scope = new TensorScope();
        try
        {
            var hashes = file.Metadata.TryGetValue("hashes", out var plain) ? JsonSerializer.Deserialize<string[]>(plain)! : [.. JsonSerializer.Deserialize<IndexedPicture[]>(file.Metadata["pictures"])!.Select(picture => picture.Sha256)];
            var psnr = JsonSerializer.Deserialize<double[]>(file.Metadata["psnr"])!;
            Tensor[] parts = [.. Names(settings.Plan).Select(name => file[name].To(DType.Float16))];
            if (psnr.Length != hashes.Length || parts.Any(part => part.Size(0) != hashes.Length)) throw new WeightsException($"{path}: names {hashes.Length} pictures and holds {string.Join(", ", parts.Select(part => part.Size(0)).Distinct())} representations, with {psnr.Length} measures");
            for (var i = 0; i < hashes.Length; i++) Add(hashes[i], [.. parts.Select(part => part.Narrow(0, i, 1))], psnr[i]);
        }
        catch (Exception e) when (e is KeyNotFoundException or JsonException)
        {
            throw new WeightsException($"{path}: does not hold representations as it should: {e.Message}", e);
        }
    }

    /// <summary>Writes all to an unfinished file, whole.</summary>
    public void Save(string path)
    {
        using var scope = new TensorScope();
        string[] hashes = [.. found.Keys];
        Safetensors.Save(path, [.. Names(settings.Plan).Zip(Gather(hashes), KeyValuePair.Create)], new Dictionary<string, string>
        {
            ["obverse-inrs"] = "1", ["settings"] = settings.ToJson(), ["hashes"] = JsonSerializer.Serialize(hashes), ["psnr"] = JsonSerializer.Serialize(hashes.Select(Psnr)),
        });
    }

    /// <summary>Names of a bank's tensors, weight and bias of each layer in turn.</summary>
    public static IEnumerable<string> Names(Inr plan) => Enumerable.Range(0, plan.Hidden + 2).SelectMany(l => new[] { $"layer{l}.weight", $"layer{l}.bias" });

    public void Dispose()
    {
        foreach (var part in found.Values.SelectMany(one => one.Parts)) part.Dispose();
    }

    private void Add(string sha256, Tensor[] parts, double psnr)
    {
        if (!found.ContainsKey(sha256)) found[sha256] = ([.. parts.Select(part => part.OwnedCopy())], psnr);
    }
}
