using Obverse.Torch;

namespace Obverse.Tests.Encoders;

/// <summary>The way back from open_clip's names to transformers' (README of the CLIP fixtures, spec clip.md 1.7), for gradients; written apart from the loader, so that the two check each other.</summary>
internal static class ClipLayoutNames
{
    public static Func<string, Tensor> OfLibrary(Dictionary<string, Tensor> ours) => name =>
    {
        if (ours.TryGetValue(name, out var same)) return same;
        var tower = name.StartsWith("vision_model.", StringComparison.Ordinal) || name.StartsWith("visual_", StringComparison.Ordinal) ? "visual." : "";
        var bare = name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];
        if (name is "visual_projection.weight") return ours["visual.proj"].T();
        if (name is "text_projection.weight") return ours["text_projection"].T();
        var parts = bare.Split('.');
        if (parts[0] == "embeddings")
        {
            return ours[tower + parts[1] switch
            {
                "class_embedding" => "class_embedding",
                "patch_embedding" => "conv1.weight",
                "position_embedding" => "positional_embedding",
                _ => "token_embedding.weight",
            }];
        }

        if (parts[0] == "encoder") // encoder.layers.N.PART[.LINEAR].weight
        {
            var block = $"{tower}transformer.resblocks.{parts[2]}.";
            var last = parts[^1];
            return (parts[3], parts[4]) switch
            {
                ("layer_norm1", _) => ours[$"{block}ln_1.{last}"],
                ("layer_norm2", _) => ours[$"{block}ln_2.{last}"],
                ("mlp", "fc1") => ours[$"{block}mlp.c_fc.{last}"],
                ("mlp", "fc2") => ours[$"{block}mlp.c_proj.{last}"],
                ("self_attn", "out_proj") => ours[$"{block}attn.out_proj.{last}"],
                ("self_attn", var part) => ours[$"{block}attn.in_proj_{last}"].Chunk(3)["qkv".IndexOf(part[0], StringComparison.Ordinal)],
                _ => throw new KeyNotFoundException(name),
            };
        }

        var norm = parts[0] switch { "pre_layrnorm" => "ln_pre", "post_layernorm" => "ln_post", _ => "ln_final" };
        return ours[$"{tower}{norm}.{parts[^1]}"];
    };
}
