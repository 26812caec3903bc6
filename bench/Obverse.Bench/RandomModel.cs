using System.Text.Json;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Bench;

/// <summary>A model of a named architecture with random weights, as it would be published: to measure loading with `obverse bench model FOLDER`.</summary>
internal static class RandomModel
{
    /// <param name="architecture">"ViT-L-14" …</param>
    /// <param name="layout">"open-clip-fp32", "open-clip-fp16", "hf-fp32" or "hf-fp16"; open_clip keeps vectors in float32, transformers halves everything.</param>
    /// <param name="folder">Made where it is not there.</param>
    public static void Write(string architecture, string layout, string folder)
    {
        if (layout is not ("open-clip-fp32" or "open-clip-fp16" or "hf-fp32" or "hf-fp16")) throw new ArgumentException($"layout '{layout}' was given, open-clip-fp32, open-clip-fp16, hf-fp32 or hf-fp16 is wanted");
        using var random = new Generator(1);
        using var model = ClipModel.New(ClipConfig.Named(architecture), random);
        if (layout.StartsWith("open-clip", StringComparison.Ordinal)) model.Save(folder, half: layout.EndsWith("fp16", StringComparison.Ordinal));
        else ToTransformers(model, folder, layout.EndsWith("fp16", StringComparison.Ordinal) ? DType.Float16 : DType.Float32);
        Timing.Print("megabytes", Directory.EnumerateFiles(folder).Sum(file => new FileInfo(file).Length) / 1e6);
    }

    private static void ToTransformers(ClipModel model, string folder, DType type)
    {
        using var scope = new TensorScope();
        Directory.CreateDirectory(folder);
        Safetensors.Save(Path.Combine(folder, "model.safetensors"), model.Weights.All.SelectMany(w => Renamed(w.Key, w.Value)).Select(w => KeyValuePair.Create(w.Name, w.Value.Detach().To(type))), new Dictionary<string, string> { ["format"] = "pt" });
        var (v, t) = (model.Config.Vision, model.Config.Text);
        if (v.Stages is not null || v.TimmName is not null) throw new NotSupportedException("transformers has only vision transformers");
        static string Act(Activation a) => a == Activation.QuickGelu ? "quick_gelu" : "gelu";
        File.WriteAllText(Path.Combine(folder, "config.json"), JsonSerializer.Serialize(new
        {
            architectures = new[] { "CLIPModel" }, model_type = "clip", projection_dim = model.EmbedDim,
            vision_config = new { image_size = v.ImageSize, patch_size = v.PatchSize, hidden_size = v.Width, num_hidden_layers = v.Layers, num_attention_heads = v.Heads, intermediate_size = v.MlpWidth, hidden_act = Act(v.Activation) },
            text_config = new { max_position_embeddings = t.ContextLength, vocab_size = t.VocabularySize, hidden_size = t.Width, num_hidden_layers = t.Layers, num_attention_heads = t.Heads, intermediate_size = t.MlpWidth, hidden_act = Act(t.Activation), eos_token_id = 2 },
        }));
    }

    // The way back of spec clip.md 1.7.
    private static IEnumerable<(string Name, Tensor Value)> Renamed(string name, Tensor value)
    {
        var sees = name.StartsWith("visual.", StringComparison.Ordinal);
        var (tower, bare) = (sees ? "vision_model." : "text_model.", sees ? name["visual.".Length..] : name);
        if (bare.Contains(".attn.in_proj_", StringComparison.Ordinal))
        {
            var parts = value.Chunk(3);
            for (var i = 0; i < 3; i++) yield return (Layer(bare).Replace("attn.in_proj_", $"self_attn.{"qkv"[i]}_proj.", StringComparison.Ordinal), parts[i]);
            yield break;
        }

        yield return bare switch
        {
            "logit_scale" => (bare, value),
            "proj" => ("visual_projection.weight", value.T()),
            "text_projection" => ("text_projection.weight", value.T()),
            "class_embedding" => (tower + "embeddings.class_embedding", value),
            "conv1.weight" => (tower + "embeddings.patch_embedding.weight", value),
            "positional_embedding" => (tower + "embeddings.position_embedding.weight", value),
            "token_embedding.weight" => (tower + "embeddings.token_embedding.weight", value),
            _ => (Layer(bare).Replace(".ln_1.", ".layer_norm1.", StringComparison.Ordinal).Replace(".ln_2.", ".layer_norm2.", StringComparison.Ordinal).Replace(".attn.", ".self_attn.", StringComparison.Ordinal)
                .Replace(".mlp.c_fc.", ".mlp.fc1.", StringComparison.Ordinal).Replace(".mlp.c_proj.", ".mlp.fc2.", StringComparison.Ordinal), value),
        };

        string Layer(string path) => tower + path.Replace("transformer.resblocks.", "encoder.layers.", StringComparison.Ordinal).Replace("ln_pre.", "pre_layrnorm.", StringComparison.Ordinal)
            .Replace("ln_post.", "post_layernorm.", StringComparison.Ordinal).Replace("ln_final.", "final_layer_norm.", StringComparison.Ordinal);
    }
}
