using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// CLIP: two towers into one space (Radford et al. 2021). Loads the layouts of open_clip, transformers and OpenAI; saves open_clip's. It owns its
/// weights. Embeddings come out as the towers give them, not normalised.
/// </summary>
public sealed class ClipModel : IDisposable
{
    private const string ConfigFile = "open_clip_config.json", WeightsFile = "open_clip_model.safetensors";

    private readonly Tensor mean, std;

    /// <summary>
    /// Builds the towers on weights in open_clip's names, which the model then owns. <paramref name="trainable"/> keeps batch norms apart, so that
    /// their convolutions can learn (vision transformers have none).
    /// </summary>
    public ClipModel(Weights weights, ClipConfig config, bool trainable = false)
    {
        (Weights, Config) = (weights, config);
        Text = new TextTransformer(weights, config.Text);
        Image = config.Vision.TimmName is null ? new VisionTransformer(weights / "visual", config.Vision) : new TimmVision(weights / "visual", config.Vision, fold: !trainable);
        LogitScale = weights.Get("logit_scale", [], Inits.Constant(Math.Log(1 / 0.07)));
        weights.Complete();
        (mean, std) = TensorScope.Unscoped(() => (config.Mean.AsTensor(), config.Std.AsTensor()));
    }

    /// <summary>
    /// From a model folder or a weights file in one. A <paramref name="config"/> given wins over the one beside the weights; weights with neither
    /// are taken for OpenAI's only where they carry OpenAI's marks, because the activation cannot be seen in them.
    /// </summary>
    public static ClipModel Load(string folderOrFile, ClipConfig? config = null, bool trainable = false) => TensorScope.Unscoped(() =>
    {
        var file = Directory.Exists(folderOrFile) ? ClipLayout.WeightsFile(folderOrFile) : folderOrFile;
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        config ??= new[] { ConfigFile, "config.json" }.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists) is { } beside ? ClipConfig.Load(beside) : null;
        var tensors = ClipLayout.Read(file);
        Weights? weights = null;
        try
        {
            var isOpenAI = tensors.ContainsKey("input_resolution");
            tensors = ClipLayout.ToOpenClip(tensors, file);
            if (config is null && !isOpenAI) throw new WeightsException($"{file}: no {ConfigFile} and no config.json beside it, and the weights are not OpenAI's; give a ClipConfig");
            config ??= ClipConfig.FromOpenAI(tensors);
            weights = Weights.From(tensors, file);
            return new ClipModel(weights, config, trainable) { Folder = folder };
        }
        catch
        {
            weights?.Dispose();
            foreach (var tensor in tensors.Values) tensor.Dispose();
            throw;
        }
    });

    /// <summary>A new model, drawn as CLIP's are (openai/CLIP clip/model.py, initialize_parameters), to train from nothing.</summary>
    public static ClipModel New(ClipConfig config, Generator random) => TensorScope.Unscoped(() => new ClipModel(Weights.New(random), config, trainable: true));

    public ClipConfig Config { get; }
    public Weights Weights { get; }
    public TextTransformer Text { get; }
    public IImageTower Image { get; }

    /// <summary>The folder it was loaded from; null for a new one.</summary>
    public string? Folder { get; private init; }

    /// <summary>The side of pictures in pixels that the checkpoint is made for.</summary>
    public int ImageSize => Config.Vision.ImageSize;

    /// <summary>D, the width of the shared space.</summary>
    public int EmbedDim => Config.EmbedDim;

    /// <summary>The parameter, a logarithm: cosines are multiplied by exp of it.</summary>
    public Tensor LogitScale { get; }

    /// <summary>What training moves: all weights but the statistics of batch norms.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Parameters => Weights.All.Where(w => !w.Key.EndsWith("running_mean", StringComparison.Ordinal) && !w.Key.EndsWith("running_var", StringComparison.Ordinal));

    /// <summary>Pictures in [0, 1], [n, 3, h, w], by the checkpoint's mean and deviation.</summary>
    public Tensor Normalize(Tensor images) => (images - mean) / std;

    /// <summary>Normalised pictures [n, 3, h, w] to [n, D].</summary>
    public Tensor EncodeImage(Tensor normalised) => Image.Forward(normalised);

    /// <summary>Token rows [n, context], int64, to [n, D].</summary>
    public Tensor EncodeText(Tensor ids) => Text.Forward(ids);

    /// <summary>exp(logit_scale) · cosine of every picture to every text: [n, D], [t, D] to [n, t].</summary>
    public Tensor Logits(Tensor imageEmbeds, Tensor textEmbeds) => imageEmbeds.Normalized().Matmul(textEmbeds.Normalized().T()) * LogitScale.Exp();

    /// <summary>Writes open_clip_config.json and open_clip_model.safetensors; <paramref name="half"/> stores matrices as fp16.</summary>
    public void Save(string folder, bool half = false)
    {
        Directory.CreateDirectory(folder);
        Weights.Save(Path.Combine(folder, WeightsFile), new Dictionary<string, string> { ["format"] = "pt" }, half);
        Config.Save(Path.Combine(folder, ConfigFile));
    }

    public void Dispose()
    {
        Image.Dispose();
        Weights.Dispose();
        mean.Dispose();
        std.Dispose();
    }
}
