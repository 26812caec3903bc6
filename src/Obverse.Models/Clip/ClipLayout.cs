using System.Text.Json;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// Brings every published layout of CLIP's weights to open_clip's names (spec clip.md 1.7): the `module.` and `text.` prefixes go, transformers'
/// names are translated, its q, k and v joined, its projections transposed; tensors that say nothing are left out.
/// </summary>
internal static class ClipLayout
{
    private static readonly (string From, string To)[] towers =
    [
        ("vision_model.embeddings.class_embedding", "visual.class_embedding"),
        ("vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight"),
        ("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"),
        ("vision_model.pre_layrnorm.", "visual.ln_pre."), // sic
        ("vision_model.post_layernorm.", "visual.ln_post."),
        ("vision_model.encoder.layers.", "visual.transformer.resblocks."),
        ("text_model.embeddings.token_embedding.weight", "token_embedding.weight"),
        ("text_model.embeddings.position_embedding.weight", "positional_embedding"),
        ("text_model.encoder.layers.", "transformer.resblocks."),
        ("text_model.final_layer_norm.", "ln_final."),
        ("visual_projection.weight", "visual.proj"),
        ("text_projection.weight", "text_projection"),
    ];

    private static readonly (string From, string To)[] inside =
    [
        (".layer_norm1.", ".ln_1."), (".layer_norm2.", ".ln_2."), (".self_attn.out_proj.", ".attn.out_proj."), (".mlp.fc1.", ".mlp.c_fc."), (".mlp.fc2.", ".mlp.c_proj."),
    ];

    /// <summary>The file with the weights of a folder (its index, where they are in several), by the names that the libraries use.</summary>
    public static string WeightsFile(string folder)
    {
        string[] names = ["open_clip_model.safetensors", "open_clip_model.safetensors.index.json", "model.safetensors", "model.safetensors.index.json"];
        foreach (var name in names)
        {
            if (File.Exists(Path.Combine(folder, name))) return Path.Combine(folder, name);
        }

        throw new WeightsException($"{folder}: no weights; wanted one of {string.Join(", ", names)}");
    }

    /// <summary>Every tensor of a safetensors file, or of the files that an index names, under the names they have there.</summary>
    public static Dictionary<string, Tensor> Read(string path)
    {
        var tensors = new Dictionary<string, Tensor>();
        try
        {
            foreach (var file in path.EndsWith(".json", StringComparison.Ordinal) ? Shards(path) : [path])
            {
                using var open = Safetensors.Open(file);
                foreach (var name in open.Names)
                {
                    if (!tensors.TryAdd(name, open[name])) throw new WeightsException($"{file}: tensor '{name}' is in another file too");
                }
            }

            return tensors;
        }
        catch
        {
            foreach (var tensor in tensors.Values) tensor.Dispose();
            throw;
        }
    }

    /// <summary>Renames in place, to open_clip's names without prefixes. Takes over the tensors: those left out are disposed.</summary>
    public static Dictionary<string, Tensor> ToOpenClip(Dictionary<string, Tensor> tensors, string origin)
    {
        tensors = tensors.ToDictionary(t => t.Key.StartsWith("module.", StringComparison.Ordinal) ? t.Key["module.".Length..] : t.Key, t => t.Value);
        foreach (var name in tensors.Keys.Where(IsIdle).ToList())
        {
            tensors.Remove(name, out var idle);
            idle!.Dispose();
        }

        if (tensors.Keys.Any(name => name.StartsWith("vision_model.", StringComparison.Ordinal) || name.StartsWith("text_model.", StringComparison.Ordinal))) return FromTransformers(tensors, origin);
        return tensors.ToDictionary(t => t.Key.StartsWith("text.", StringComparison.Ordinal) ? t.Key["text.".Length..] : t.Key, t => t.Value);
    }

    private static Dictionary<string, Tensor> FromTransformers(Dictionary<string, Tensor> tensors, string origin)
    {
        var renamed = new Dictionary<string, Tensor>();
        foreach (var (name, tensor) in tensors)
        {
            var (from, to) = towers.FirstOrDefault(t => name.StartsWith(t.From, StringComparison.Ordinal));
            var key = from is null ? name : string.Concat(to, name.AsSpan(from.Length));
            foreach (var (old, now) in inside) key = key.Replace(old, now, StringComparison.Ordinal);

            if (name.EndsWith("_projection.weight", StringComparison.Ordinal) && tensor.Dims == 2) // [D, width] to [width, D]
            {
                using var turned = tensor.T();
                renamed.Add(key, turned.Contiguous());
                tensor.Dispose();
            }
            else if (key.Contains(".self_attn.q_proj.", StringComparison.Ordinal)) // rows of in_proj: q, k, v
            {
                Tensor[] parts = [tensor, .. new[] { ".k_proj.", ".v_proj." }.Select(part => name.Replace(".q_proj.", part, StringComparison.Ordinal)).Select(other => tensors.TryGetValue(other, out var found) ? found : throw new WeightsException($"{origin}: tensor '{other}' is missing"))];
                renamed.Add(key.Replace(".self_attn.q_proj.", ".attn.in_proj_", StringComparison.Ordinal), Tensor.Cat(parts));
                foreach (var part in parts) part.Dispose();
            }
            else if (!IsKeyOrValue(key) || !tensors.ContainsKey(name.Replace(".k_proj.", ".q_proj.", StringComparison.Ordinal).Replace(".v_proj.", ".q_proj.", StringComparison.Ordinal)))
            {
                renamed.Add(key, tensor);
            }
        }

        return renamed;
    }

    private static bool IsKeyOrValue(string key) => key.Contains(".self_attn.k_proj.", StringComparison.Ordinal) || key.Contains(".self_attn.v_proj.", StringComparison.Ordinal);

    // Buffers of the libraries, and the scalars of OpenAI's archives.
    private static bool IsIdle(string name) =>
        name is "input_resolution" or "context_length" or "vocab_size" || name.EndsWith("position_ids", StringComparison.Ordinal) || name.EndsWith("attn_mask", StringComparison.Ordinal) || name.EndsWith("num_batches_tracked", StringComparison.Ordinal);

    private static IEnumerable<string> Shards(string index)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(index))!;
        string[] names;
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllText(index));
            names = [.. json.RootElement.GetProperty("weight_map").EnumerateObject().Select(e => e.Value.GetString() ?? "").Distinct()];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new WeightsException($"{index}: not an index of safetensors files ({(e.Message.Length > 120 ? e.Message[..120] + "…" : e.Message)})", e);
        }

        foreach (var name in names)
        {
            if (name != Path.GetFileName(name)) throw new WeightsException($"{index}: names '{name}', which is not a file of its own folder");
            yield return Path.Combine(folder, name);
        }
    }
}
