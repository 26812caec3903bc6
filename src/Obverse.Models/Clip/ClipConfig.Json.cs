using System.Text.Json;
using System.Text.Json.Nodes;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

public sealed partial record ClipConfig
{
    // open_clip options that would change what a tower computes and are not built; the value is the one that changes nothing.
    private static readonly (string Name, string? Harmless)[]
        otherVision = [("attentional_pool", "false"), ("attn_pooler_queries", null), ("ls_init_value", null), ("no_ln_pre", "false"), ("pool_type", "\"tok\""), ("pos_embed_type", "\"learnable\""), ("final_ln_after_pool", "false"), ("input_patchnorm", "false"), ("global_average_pool", "false"), ("qk_norm", "false"), ("act_kwargs", null), ("block_type", null)],
        otherText = [("hf_model_name", null), ("embed_cls", "false"), ("no_causal_mask", "false"), ("ls_init_value", null), ("proj_bias", "false"), ("proj_type", "\"linear\""), ("final_ln_after_pool", "false"), ("qk_norm", "false"), ("act_kwargs", null), ("block_type", null)];

    /// <summary>Reads open_clip_config.json (open_clip's own model_configs/*.json too), or transformers' config.json with the preprocessor_config.json beside it.</summary>
    public static ClipConfig Load(string path)
    {
        var root = Parse(path);
        try
        {
            if (root["model_cfg"] is JsonObject model) return FromOpenClip(model, root["preprocess_cfg"] as JsonObject).Checked();
            if (root["vision_cfg"] is not null) return FromOpenClip(root, null).Checked();
            if (root["vision_config"] is null && root["text_config"] is null) throw new WeightsException("no model_cfg (open_clip) and no vision_config and text_config (transformers)");
            var beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "preprocessor_config.json");
            return FromTransformers(root, File.Exists(beside) ? Parse(beside) : null).Checked();
        }
        catch (Exception e) when (e is WeightsException or NotSupportedException or InvalidOperationException or FormatException)
        {
            var message = $"{path}: {e.Message}";
            throw e is NotSupportedException ? new NotSupportedException(message, e) : new WeightsException(message, e);
        }
    }

    /// <summary>Writes the form of open_clip_config.json.</summary>
    public void Save(string path)
    {
        var same = Vision.Activation == Text.Activation || Vision.TimmName is not null || Vision.Stages is not null;
        var vision = Vision.TimmName is { } timm
            ? new JsonObject { ["timm_model_name"] = timm, ["timm_model_pretrained"] = false, ["timm_pool"] = "avg", ["timm_proj"] = "linear", ["timm_proj_bias"] = Vision.TimmProjectionBias, ["image_size"] = Vision.ImageSize }
            : Vision.Stages is { } stages
            ? new JsonObject { ["image_size"] = Vision.ImageSize, ["layers"] = new JsonArray([.. stages.AsArray().Select(n => (JsonNode)n)]), ["width"] = Vision.Width, ["head_width"] = 32 * Vision.Width / Vision.Heads, ["patch_size"] = null }
            : new JsonObject { ["image_size"] = Vision.ImageSize, ["layers"] = Vision.Layers, ["width"] = Vision.Width, ["head_width"] = Vision.Width / Vision.Heads, ["patch_size"] = Vision.PatchSize };
        var text = new JsonObject { ["context_length"] = Text.ContextLength, ["vocab_size"] = Text.VocabularySize, ["width"] = Text.Width, ["heads"] = Text.Heads, ["layers"] = Text.Layers };
        if (Vision.TimmName is null && Vision.Stages is null) Details(vision, Vision.Shape);
        Details(text, Text.Shape);
        if (TextOf is not null) text["text_of"] = TextOf;
        if (Text.TakesSingulars) text["takes_singulars"] = true;
        if (Text.EndId is { } end) (text["pool_type"], text["eos_id"]) = ("eos", end);

        var root = new JsonObject
        {
            ["model_cfg"] = new JsonObject { ["embed_dim"] = EmbedDim, ["quick_gelu"] = Text.Activation == Activation.QuickGelu, ["vision_cfg"] = vision, ["text_cfg"] = text },
            ["preprocess_cfg"] = new JsonObject { ["mean"] = new JsonArray(Mean.R, Mean.G, Mean.B), ["std"] = new JsonArray(Std.R, Std.G, Std.B), ["interpolation"] = "bicubic", ["resize_mode"] = "shortest" },
        };
        AtomicFile.Write(path, stream =>
        {
            using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
            root.WriteTo(json);
        });

        void Details(JsonObject tower, TransformerShape shape)
        {
            if (shape.MlpWidth != 4 * shape.Width) tower["mlp_ratio"] = (double)shape.MlpWidth / shape.Width;
            if (shape.Epsilon != 1e-5) tower["norm_kwargs"] = new JsonObject { ["eps"] = shape.Epsilon };
            if (!same) tower["quick_gelu"] = shape.Activation == Activation.QuickGelu; // our own key: open_clip has one for both towers
        }
    }

    private static ClipConfig FromOpenClip(JsonObject model, JsonObject? preprocess)
    {
        var dim = Whole(model, "embed_dim", null);
        if (model["vision_cfg"] is not JsonObject vision || model["text_cfg"] is not JsonObject text) throw new WeightsException("model_cfg has no vision_cfg or no text_cfg");
        var quick = Flag(model, "quick_gelu");
        Activation ActivationOf(JsonObject tower) => (tower["quick_gelu"]?.GetValue<bool>() ?? quick) ? Activation.QuickGelu : Activation.Gelu;
        double EpsilonOf(JsonObject tower) => tower["norm_kwargs"] is JsonObject norm ? Positive(norm, "eps", 1e-5) : 1e-5;
        int MlpOf(JsonObject tower, int width) => (int)(width * Number(tower, "mlp_ratio", 4) + 1e-6); // open_clip cuts; 1e-6 for 30 * 4.9
        Refuse(text, "text_cfg", otherText);

        VisionConfig eyes;
        var size = vision["image_size"] is JsonArray sides ? Square(sides) : Whole(vision, "image_size", 224);
        if (Word(vision, "timm_model_name") is { } timm)
        {
            if (!EfficientNetLite.Knows(timm)) throw new NotSupportedException($"image tower '{timm}' is not built yet; tf_efficientnet_lite0 … 4 are");
            if (Word(vision, "timm_pool") is not (null or "avg")) throw new NotSupportedException($"timm_pool '{Word(vision, "timm_pool")}' is not built yet; 'avg' is");
            if (Word(vision, "timm_proj") is not (null or "linear")) throw new NotSupportedException($"timm_proj '{Word(vision, "timm_proj")}' is not built yet; 'linear' is");
            eyes = new() { TimmName = timm, TimmProjectionBias = Flag(vision, "timm_proj_bias"), ImageSize = size, EmbedDim = dim };
        }
        else
        {
            Refuse(vision, "vision_cfg", otherVision);
            var width = Whole(vision, "width", 768);
            eyes = vision["layers"] is JsonArray stages ? ResNet(size, width, Stages(stages), 32 * width / Whole(vision, "head_width", 64), dim) : new()
            {
                ImageSize = size, PatchSize = Whole(vision, "patch_size", 16), Width = width, Layers = Whole(vision, "layers", 12), Heads = width / Whole(vision, "head_width", 64),
                MlpWidth = MlpOf(vision, width), Activation = ActivationOf(vision), Epsilon = EpsilonOf(vision), EmbedDim = dim,
            };
        }

        var textWidth = Whole(text, "width", 512);
        return new()
        {
            Vision = eyes,
            Text = new()
            {
                ContextLength = Whole(text, "context_length", 77), VocabularySize = Whole(text, "vocab_size", 49408), TakesSingulars = Flag(text, "takes_singulars"), Width = textWidth, Heads = Whole(text, "heads", 8),
                Layers = Whole(text, "layers", 12), MlpWidth = MlpOf(text, textWidth), Activation = ActivationOf(text), Epsilon = EpsilonOf(text), EmbedDim = dim,
                EndId = Word(text, "pool_type") switch
                {
                    null or "argmax" => null,
                    "eos" => Id(text, "eos_id", 2),
                    var pool => throw new NotSupportedException($"text_cfg: pool_type '{pool}' is not built yet; 'argmax' and 'eos' are"),
                },
            },
            Mean = Colour(preprocess?["mean"]) ?? Rgb.ClipMean,
            Std = Colour(preprocess?["std"]) ?? Rgb.ClipStd,
            Origin = ClipOrigin.OpenClip,
            TextOf = Word(text, "text_of") is not { } other ? null : other == Path.GetFileName(other) && other is not ("." or "..") ? other : throw new WeightsException($"text_of is '{Shown(other)}', wanted the name of a folder beside this one"),
        };
    }

    private static VisionConfig ResNet(int size, int width, ResNetStages stages, int heads, int dim) => new()
    {
        ImageSize = size, PatchSize = ModifiedResNet.Stride, Width = width, Heads = heads, Stages = stages, Layers = stages.AsArray().Sum(), MlpWidth = 0, Activation = Activation.QuickGelu, EmbedDim = dim,
    };

    private static ResNetStages Stages(JsonArray stages) => stages.Count == 4 ? new((int)stages[0]!, (int)stages[1]!, (int)stages[2]!, (int)stages[3]!) : throw new WeightsException($"vision_cfg: layers = {stages.ToJsonString()}, wanted one number or a ResNet's four");

    private static ClipConfig FromTransformers(JsonObject root, JsonObject? preprocessor)
    {
        var (vision, text) = (root["vision_config"] as JsonObject ?? [], root["text_config"] as JsonObject ?? []);
        var dim = Whole(root, "projection_dim", 512);
        return new()
        {
            Vision = new()
            {
                ImageSize = Whole(vision, "image_size", 224), PatchSize = Whole(vision, "patch_size", 32), Width = Whole(vision, "hidden_size", 768), Layers = Whole(vision, "num_hidden_layers", 12),
                Heads = Whole(vision, "num_attention_heads", 12), MlpWidth = Whole(vision, "intermediate_size", 3072), Activation = ActivationNamed(vision), Epsilon = Positive(vision, "layer_norm_eps", 1e-5), EmbedDim = dim,
            },
            Text = FromTransformersText(text) with { EmbedDim = dim },
            Mean = Colour(preprocessor?["image_mean"]) ?? Rgb.ClipMean,
            Std = Colour(preprocessor?["image_std"]) ?? Rgb.ClipStd,
            Origin = ClipOrigin.HuggingFace,
        };
    }

    /// <summary>A text tower from transformers' CLIPTextConfig, as Stable Diffusion's text_encoder/config.json has it alone; without a projection.</summary>
    public static TextConfig FromTransformersText(JsonObject text) => new()
    {
        ContextLength = Whole(text, "max_position_embeddings", 77), VocabularySize = Whole(text, "vocab_size", 49408), Width = Whole(text, "hidden_size", 512), Layers = Whole(text, "num_hidden_layers", 12),
        Heads = Whole(text, "num_attention_heads", 8), MlpWidth = Whole(text, "intermediate_size", 2048), Activation = ActivationNamed(text), Epsilon = Positive(text, "layer_norm_eps", 1e-5),
        EndId = Id(text, "eos_token_id", 49407) is var end and not 2 ? end : null, // 2: the old convention, the largest id
    };

    /// <summary>The shapes of a state dict in OpenAI's layout (openai/CLIP clip/model.py, build_model); heads are 64 wide, the activation QuickGELU.</summary>
    internal static ClipConfig FromOpenAI(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        int Side(string name, int dim) => tensors.TryGetValue(name, out var tensor) ? tensor.Shape.Length > dim ? checked((int)tensor.Shape[dim]) : throw new WeightsException($"tensor '{name}' has {tensor.Shape.Length} dimensions") : throw new WeightsException($"tensor '{name}' is missing");
        int Count(string prefix, string suffix) => tensors.Keys.Count(name => name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(suffix, StringComparison.Ordinal));
        int Blocks(string prefix) => Count(prefix, ".attn.in_proj_weight");
        int Grid(string name) => (int)Math.Round(Math.Sqrt(Side(name, 0) - 1));
        var (dim, textWidth) = (Side("text_projection", 1), Side("ln_final.weight", 0));
        VisionConfig eyes;
        if (tensors.ContainsKey("visual.layer1.0.conv1.weight"))
        {
            var width = Side("visual.layer1.0.conv1.weight", 0);
            int Stage(int s) => Count($"visual.layer{s}.", ".conv1.weight");
            eyes = ResNet(ModifiedResNet.Stride * Grid("visual.attnpool.positional_embedding"), width, new(Stage(1), Stage(2), Stage(3), Stage(4)), 32 * width / 64, dim);
        }
        else
        {
            var (width, patch) = (Side("visual.conv1.weight", 0), Side("visual.conv1.weight", 3));
            eyes = new()
            {
                ImageSize = patch * Grid("visual.positional_embedding"), PatchSize = patch, Width = width, Layers = Blocks("visual.transformer.resblocks."), Heads = width / 64, MlpWidth = 4 * width,
                Activation = Activation.QuickGelu, EmbedDim = dim,
            };
        }

        return new()
        {
            Vision = eyes,
            Text = new()
            {
                ContextLength = Side("positional_embedding", 0), VocabularySize = Side("token_embedding.weight", 0), Width = textWidth, Layers = Blocks("transformer.resblocks."), Heads = textWidth / 64, MlpWidth = 4 * textWidth,
                Activation = Activation.QuickGelu, EmbedDim = dim,
            },
            Origin = ClipOrigin.OpenAI,
        };
    }

    private static Activation ActivationNamed(JsonObject tower) => Word(tower, "hidden_act") switch
    {
        null or "quick_gelu" => Activation.QuickGelu,
        "gelu" => Activation.Gelu,
        var other => throw new NotSupportedException($"hidden_act '{other}' is not built yet; 'quick_gelu' and 'gelu' are"),
    };

    private static void Refuse(JsonObject tower, string where, (string Name, string? Harmless)[] options)
    {
        foreach (var (name, harmless) in options)
        {
            if (tower[name] is { } value && value.ToJsonString() is var given && given != harmless && given is not "{}") throw new NotSupportedException($"{where}: {name} = {Shown(given)} is not built yet");
        }
    }

    private static JsonObject Parse(string path)
    {
        if (!File.Exists(path)) throw new WeightsException($"{path}: no such file");
        try
        {
            return JsonNode.Parse(File.ReadAllText(path), documentOptions: new() { AllowDuplicateProperties = false }) as JsonObject ?? throw new WeightsException($"{path}: not a JSON object");
        }
        catch (JsonException e)
        {
            throw new WeightsException($"{path}: not JSON ({Shown(e.Message)})", e);
        }
    }

    private static double Number(JsonObject from, string name, double? otherwise) =>
        from[name] is { } value ? value.GetValueKind() == JsonValueKind.Number && value.GetValue<double>() is var number && double.IsFinite(number) ? number : throw new WeightsException($"'{name}' is {Shown(value.ToJsonString())}, wanted a number")
        : otherwise ?? throw new WeightsException($"'{name}' is missing");

    /// <summary>A size: nothing published comes near a million, and 0 would be divided by.</summary>
    private static int Whole(JsonObject from, string name, int? otherwise) => Number(from, name, otherwise) is var number && number is >= 1 and <= 1 << 20 && number == Math.Floor(number) ? (int)number
        : throw new WeightsException($"'{name}' is {Shown(from[name]?.ToJsonString() ?? "missing")}, wanted a whole number from 1 to {1 << 20}");

    /// <summary>Where an id stands that may be 0, or beyond the vocabulary (transformers' old convention).</summary>
    private static int Id(JsonObject from, string name, int otherwise) => Number(from, name, otherwise) is var number && number is >= 0 and <= int.MaxValue ? (int)number : throw new WeightsException($"'{name}' is {number}, wanted an id");

    private static double Positive(JsonObject from, string name, double otherwise) => Number(from, name, otherwise) is > 0 and var number ? number : throw new WeightsException($"'{name}' is {Shown(from[name]!.ToJsonString())}, wanted a number above 0");

    private static string Shown(string text) => (text.Length > 120 ? text[..120] + "…" : text).ReplaceLineEndings(" ");

    private ClipConfig Checked()
    {
        var isTransformer = Vision.TimmName is null && Vision.Stages is null;
        if (isTransformer) Tower("image", Vision.Width, Vision.Heads, Vision.MlpWidth);
        if (isTransformer && Vision.PatchSize > Vision.ImageSize) throw new WeightsException($"patches of {Vision.PatchSize} pixels, wanted at most the picture's {Vision.ImageSize}");
        if (Vision.Stages is not null && Vision.Heads < 1) throw new WeightsException($"the image tower's pool has {Vision.Heads} heads, wanted 1 at least");
        Tower("text", Text.Width, Text.Heads, Text.MlpWidth);
        foreach (var value in (ReadOnlySpan<double>)[Std.R, Std.G, Std.B]) if (!(value > 0)) throw new WeightsException($"pictures are divided by {value}, wanted numbers above 0");
        return this;

        static void Tower(string name, int width, int heads, int mlp)
        {
            if (heads < 1 || width % heads != 0) throw new WeightsException($"the {name} tower is {width} wide with {heads} heads, wanted a number of heads that divides the width");
            if (mlp is < 1 or > 1 << 20) throw new WeightsException($"the {name} tower's MLP is {mlp} wide, wanted 1 to {1 << 20}");
        }
    }

    private static bool Flag(JsonObject from, string name) => from[name]?.GetValue<bool>() ?? false;
    private static string? Word(JsonObject from, string name) => from[name]?.GetValue<string>() is { Length: > 0 } text ? text : null;
    private static int Square(JsonArray sides) => sides is [JsonValue height, JsonValue width] && height.TryGetValue<int>(out var side) && width.TryGetValue<int>(out var other) && side == other && side is >= 1 and <= 1 << 20 ? side : throw new NotSupportedException($"image_size {Shown(sides.ToJsonString())} is not built yet; squares are");
    private static Rgb? Colour(JsonNode? node) => node is JsonArray { Count: 3 } list ? new(Part(list[0]), Part(list[1]), Part(list[2])) : null;
    private static double Part(JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.Number && value.GetValue<double>() is var number && double.IsFinite(number) ? number : throw new WeightsException($"a colour holds {Shown(node?.ToJsonString() ?? "null")}, wanted a number");
}
