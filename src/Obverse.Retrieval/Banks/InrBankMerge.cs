using System.Text.Json;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>Joins banks of one model and equal settings. Rows are copied as they lie in the files, so parts of a build become the bytes of the whole.</summary>
public static class InrBankMerge
{
    /// <summary>Entries of a picture that came before are dropped; returns how many are there and how many were dropped. Parts of one build stand in their order, other banks as given.</summary>
    public static (int Entries, int Dropped) Join(IReadOnlyList<string> paths, string output)
    {
        if (paths.Count < 2) throw new ArgumentException("two banks at least are wanted");
        var files = new List<Safetensors>();
        try
        {
            foreach (var path in paths) files.Add(Safetensors.Open(path));
            var first = files[0];
            var plan = InrBank.PlanOf(first);
            var settings = InrBankSettings.Of(first) ?? throw new ArgumentException($"{paths[0]}: does not say how its representations were fitted, so it cannot be joined with others");
            foreach (var file in files) Check(file, first, settings);
            if (files.All(file => file.Metadata.ContainsKey("shard"))) files.Sort((a, b) => Part(a).CompareTo(Part(b))); // List.Sort is not stable: equal parts are equal banks
            return Write(files, plan, output);
        }
        finally
        {
            foreach (var file in files) file.Dispose();
        }
    }

    private static void Check(Safetensors file, Safetensors first, InrBankSettings settings)
    {
        _ = InrBank.PlanOf(file);
        settings.MustEqual(InrBankSettings.Of(file), file.Path);
        string Model(Safetensors bank) => bank.Metadata.GetValueOrDefault("model-sha256", "") is { Length: > 0 } sha ? $"{bank.Metadata.GetValueOrDefault("model")} (SHA-256 {sha[..Math.Min(12, sha.Length)]}…)" : bank.Metadata.GetValueOrDefault("model", "");
        if (Model(file) != Model(first)) throw new ArgumentException($"{file.Path}: was made with {Model(file)}, {first.Path} with {Model(first)}");
        var (some, others) = (Pairs(first), Pairs(file));
        if (some.Count != others.Count || some.Any(name => !Same(first[name], file[name]))) throw new ArgumentException($"{file.Path}: has other pairs than {first.Path}");
    }

    private static (int, int) Write(List<Safetensors> files, Inr plan, string output)
    {
        using var scope = new TensorScope();
        var pictures = files.Select(file => Read<IndexedPicture>(file, "pictures")).ToArray();
        var seen = new HashSet<string>();
        long[][] rows = [.. pictures.Select(some => Enumerable.Range(0, some.Length).Where(i => seen.Add(some[i].Sha256)).Select(i => (long)i).ToArray())];
        Tensor Joined(string name) => Tensor.Cat([.. files.Zip(rows).Where(one => one.Second.Length > 0).Select(one => one.First[name].IndexSelect(0, Tensor.From(one.Second, one.Second.Length)))]);
        string List<T>(string name) => JsonSerializer.Serialize(files.Zip(rows).SelectMany(one => Read<T>(one.First, name) is var all ? one.Second.Select(i => all[i]) : []));
        var metadata = new Dictionary<string, string>(files[0].Metadata) { ["captions"] = List<string>("captions"), ["pictures"] = List<IndexedPicture>("pictures"), ["psnr"] = List<double>("psnr") };
        metadata.Remove("shard");
        Safetensors.Save(output, [.. FittedInrs.Names(plan).Concat(["texts", "images"]).Select(name => KeyValuePair.Create(name, Joined(name))), .. Pairs(files[0]).Select(name => KeyValuePair.Create(name, files[0][name]))], metadata);
        return (seen.Count, pictures.Sum(some => some.Length) - seen.Count);
    }

    private static T[] Read<T>(Safetensors file, string name)
    {
        try
        {
            return JsonSerializer.Deserialize<T[]>(file.Metadata[name])!;
        }
        catch (Exception e) when (e is KeyNotFoundException or JsonException)
        {
            throw new WeightsException($"{file.Path}: its {name} are not as they should be: {e.Message}", e);
        }
    }

    private static List<string> Pairs(Safetensors file) => [.. file.Names.Where(name => name.StartsWith("pairs.", StringComparison.Ordinal)).OrderDescending(StringComparer.Ordinal)]; // texts, then images

    private static bool Same(Tensor a, Tensor b) => a.Shape.AsSpan().SequenceEqual(b.Shape) && (a.To(DType.Float32) - b.To(DType.Float32)).Abs().Max().Item() == 0;

    private static int Part(Safetensors file) => int.TryParse(file.Metadata["shard"].Split('/')[0], out var part) ? part : 0;
}
