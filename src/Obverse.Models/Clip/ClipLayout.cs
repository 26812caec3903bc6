using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// Brings every published layout of CLIP's weights to open_clip's names (spec clip.md 1.7): the `module.` and `text.` prefixes go, transformers'
/// names are translated, its q, k and v joined, its projections transposed; tensors that say nothing are left out. Nothing is computed yet: the
/// result says what is to be made of the stored tensors.
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

    /// <summary>By open_clip's names, without prefixes. Takes over the tensors: those left out are disposed.</summary>
    public static Dictionary<string, StoredTensor> ToOpenClip(IReadOnlyDictionary<string, Tensor> tensors, string origin)
    {
        var stored = new Dictionary<string, StoredTensor>();
        foreach (var (key, tensor) in tensors)
        {
            var name = key.StartsWith("module.", StringComparison.Ordinal) ? key["module.".Length..] : key;
            if (IsIdle(name)) tensor.Dispose();
            else stored.Add(name, new(tensor));
        }

        if (stored.Keys.Any(name => name.StartsWith("vision_model.", StringComparison.Ordinal) || name.StartsWith("text_model.", StringComparison.Ordinal))) return FromTransformers(stored, origin);
        return stored.ToDictionary(t => t.Key.StartsWith("text.", StringComparison.Ordinal) ? t.Key["text.".Length..] : t.Key, t => t.Value);
    }

    private static Dictionary<string, StoredTensor> FromTransformers(Dictionary<string, StoredTensor> tensors, string origin)
    {
        var renamed = new Dictionary<string, StoredTensor>();
        foreach (var (name, tensor) in tensors)
        {
            var (from, to) = towers.FirstOrDefault(t => name.StartsWith(t.From, StringComparison.Ordinal));
            var key = from is null ? name : string.Concat(to, name.AsSpan(from.Length));
            foreach (var (old, now) in inside) key = key.Replace(old, now, StringComparison.Ordinal);

            if (name.EndsWith("_projection.weight", StringComparison.Ordinal) && tensor.Shape.Length == 2) renamed.Add(key, tensor.Transposed()); // [D, width] to [width, D]
            else if (key.Contains(".self_attn.q_proj.", StringComparison.Ordinal)) // rows of in_proj: q, k, v
            {
                StoredTensor[] parts = [tensor, .. new[] { ".k_proj.", ".v_proj." }.Select(part => name.Replace(".q_proj.", part, StringComparison.Ordinal)).Select(other => tensors.TryGetValue(other, out var found) ? found : throw new WeightsException($"{origin}: tensor '{other}' is missing"))];
                renamed.Add(key.Replace(".self_attn.q_proj.", ".attn.in_proj_", StringComparison.Ordinal), StoredTensor.Stacked(parts, $"{origin}: {name}"));
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
}
