using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// CLIP: two towers into one space (Radford et al. 2021). Loads the layouts of open_clip, transformers and OpenAI; saves open_clip's. It owns its
/// weights. Embeddings come out as the towers give them, not normalised.
/// </summary>
public sealed class ClipModel : IDisposable
{
    private const string ConfigFile = "open_clip_config.json", WeightsFile = "open_clip_model.safetensors";

    private static readonly string[] tokenizerFiles = ["bpe.txt.gz", "bpe_simple_vocab*.txt.gz", "vocab.json", "tokenizer.json"];

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
            var model = new ClipModel(weights, config, trainable) { Folder = folder };
            if (FindTokenizer(folder, config) is { } tokenizer) model.Tokenizer = tokenizer;
            return model;
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

    /// <summary>What turns text into token rows; null where the folder has none. One that does not fit the text tower is refused.</summary>
    public BpeTokenizer? Tokenizer
    {
        get;
        set
        {
            if (value is not null && value.VocabularySize > Config.Text.VocabularySize) throw new ArgumentException($"a tokenizer of {value.VocabularySize} ids was given; the text tower has {Config.Text.VocabularySize}");
            if (value is not null && Config.Text.EndId is { } end && value.EndId != end) throw new ArgumentException($"a tokenizer that ends with id {value.EndId} was given; the text tower is read at id {end}");
            field = value;
        }
    }

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

    /// <summary>Texts to [n, D], by the model's tokenizer; what is too long for the context is cut.</summary>
    public Tensor EncodeText(IReadOnlyList<string> texts) => EncodeText(Tokenize(texts));

    /// <summary>Token rows of texts: [n, context], int64.</summary>
    public Tensor Tokenize(IReadOnlyList<string> texts)
    {
        if (Tokenizer is null) throw new InvalidOperationException($"{Folder ?? "this new model"} has no tokenizer: put one of {string.Join(", ", tokenizerFiles)} in its folder, or set Tokenizer");
        var ids = new long[texts.Count * Config.Text.ContextLength];
        for (var i = 0; i < texts.Count; i++)
        {
            var row = Tokenizer.EncodeRow(texts[i], Config.Text.ContextLength);
            for (var j = 0; j < row.Length; j++) ids[i * row.Length + j] = row[j];
        }

        return Tensor.From(ids, texts.Count, Config.Text.ContextLength);
    }

    /// <summary>exp(logit_scale) · cosine of every picture to every text: [n, D], [t, D] to [n, t].</summary>
    public Tensor Logits(Tensor imageEmbeds, Tensor textEmbeds) => imageEmbeds.Normalized().Matmul(textEmbeds.Normalized().T()) * LogitScale.Exp();

    /// <summary>Writes open_clip_config.json, open_clip_model.safetensors and the tokenizer; <paramref name="half"/> stores matrices as fp16.</summary>
    public void Save(string folder, bool half = false)
    {
        Directory.CreateDirectory(folder);
        Weights.Save(Path.Combine(folder, WeightsFile), new Dictionary<string, string> { ["format"] = "pt" }, half);
        Config.Save(Path.Combine(folder, ConfigFile));
        if (Tokenizer is null) return;
        if (Tokenizer.EndId != 513 + Tokenizer.Merges.Count) throw new NotSupportedException($"{folder}: the tokenizer numbers its symbols in an order of its own; {tokenizerFiles[0]} cannot hold that");
        Tokenizer.Save(Path.Combine(folder, tokenizerFiles[0]));
    }

    public void Dispose()
    {
        Image.Dispose();
        Weights.Dispose();
        mean.Dispose();
        std.Dispose();
    }

    private static BpeTokenizer? FindTokenizer(string folder, ClipConfig config)
    {
        foreach (var name in tokenizerFiles)
        {
            if (Directory.EnumerateFiles(folder, name).Order(StringComparer.Ordinal).FirstOrDefault() is not { } file) continue;
            return file.EndsWith(".json", StringComparison.Ordinal) ? BpeTokenizer.Load(folder) : BpeTokenizer.Load(file, config.Origin == ClipOrigin.OpenClip ? TokenizerFlavour.OpenClip : TokenizerFlavour.OpenAi);
        }

        return null;
    }
}
