using System.Text.Json;

namespace Obverse.Files;

/// <summary>What files of weights are called, alone or in several that an index names.</summary>
public static class WeightNames
{
    /// <summary>By the names that the libraries use, in the order in which they are looked for: open_clip's layout needs no translation, and safetensors come first, where a folder has both.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "open_clip_model.safetensors", "open_clip_model.safetensors.index.json", "model.safetensors", "model.safetensors.index.json",
        "open_clip_pytorch_model.bin", "open_clip_pytorch_model.bin.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
    ];

    /// <summary>The same in a folder of a diffusers pipeline (`unet`, `vae`, `text_encoder`).</summary>
    public static IReadOnlyList<string> OfPipelines { get; } =
    [
        "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors.index.json", "model.safetensors", "model.safetensors.index.json", "diffusion_pytorch_model.fp16.safetensors", "model.fp16.safetensors",
        "diffusion_pytorch_model.bin", "diffusion_pytorch_model.bin.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json", "diffusion_pytorch_model.fp16.bin", "pytorch_model.fp16.bin",
    ];

    /// <summary>The files that an index names, all in its own folder.</summary>
    public static IReadOnlyList<string> Shards(string index)
    {
        string[] names;
        try
        {
            if (new FileInfo(index).Length > 1 << 26) throw new WeightsException($"{index}: not an index of weights: {new FileInfo(index).Length} bytes");
            using var json = JsonDocument.Parse(File.ReadAllText(index));
            names = [.. json.RootElement.GetProperty("weight_map").EnumerateObject().Select(e => e.Value.GetString() ?? "").Distinct()];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new WeightsException($"{index}: not an index of weights ({e.Message.Split('\n')[0]})", e);
        }

        return names.FirstOrDefault(name => name != Path.GetFileName(name) || name is "" or "." or "..") is not { } outside ? names : throw new WeightsException($"{index}: names '{outside}', which is not a file of its own folder");
    }
}
