using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Fuzz;

/// <summary>A CLIP of a few kilobytes in a folder, in the two layouts that have a JSON configuration.</summary>
internal static class ToyModels
{
    private static readonly Dictionary<string, string> made = [];

    /// <summary>The folder of this name: every target changes a file of its own folder.</summary>
    public static string OpenClip(string name) => Once(name, folder =>
    {
        using var model = New();
        model.Save(folder);
    });

    public static string Transformers(string name) => Once(name, folder =>
    {
        // The weights keep open_clip's names, which the layout's reader takes too; only the configuration is transformers'.
        using var model = New();
        model.Weights.Save(Path.Combine(folder, "model.safetensors"));
        File.WriteAllText(Path.Combine(folder, "config.json"), """
            {"architectures":["CLIPModel"],"model_type":"clip","projection_dim":8,"logit_scale_init_value":2.6592,
             "vision_config":{"image_size":16,"patch_size":8,"hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,"intermediate_size":16,"hidden_act":"gelu","layer_norm_eps":1e-05,"projection_dim":8},
             "text_config":{"max_position_embeddings":8,"vocab_size":20,"hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,"intermediate_size":16,"hidden_act":"gelu","layer_norm_eps":1e-05,"eos_token_id":2,"bos_token_id":0,"pad_token_id":1}}
            """);
        File.WriteAllText(Path.Combine(folder, "preprocessor_config.json"), """
            {"crop_size":{"height":16,"width":16},"do_center_crop":true,"do_normalize":true,"do_resize":true,"image_mean":[0.48145466,0.4578275,0.40821073],"image_std":[0.26862954,0.26130258,0.27577711],"resample":3,"size":{"shortest_edge":16}}
            """);
    });

    private static string Once(string name, Action<string> make)
    {
        if (made.TryGetValue(name, out var folder)) return folder;
        folder = Directory.CreateDirectory(Path.Combine(Scratch.Folder, name)).FullName;
        make(folder);
        return made[name] = folder;
    }

    private static ClipModel New()
    {
        using var random = new Generator(5);
        return ClipModel.New(new()
        {
            Vision = new() { ImageSize = 16, PatchSize = 8, Width = 8, Heads = 2, Layers = 1, MlpWidth = 16, EmbedDim = 8 },
            Text = new() { ContextLength = 8, VocabularySize = 20, Width = 8, Heads = 2, Layers = 1, MlpWidth = 16, EmbedDim = 8 },
        }, random);
    }
}
