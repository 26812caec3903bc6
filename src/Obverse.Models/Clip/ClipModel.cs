using Obverse.Files;
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
    private readonly Lazy<TextTransformer> text;
    private readonly Lazy<IImageTower> image;

    /// <summary>
    /// Builds the towers on weights in open_clip's names, which the model then owns. <paramref name="trainable"/> keeps batch norms apart, so that
    /// their convolutions can learn (vision transformers have none). Weights of a file are held against the configuration at once, but a tower is
    /// only made of them, and they are only widened, when it is first asked for: who embeds pictures never pays for the text tower.
    /// </summary>
    public ClipModel(Weights weights, ClipConfig config, bool trainable = false)
    {
        (Weights, Config) = (weights, config);
        text = new(() => TensorScope.Unscoped(() => new TextTransformer(weights, config.Text)));
        image = new(() => TensorScope.Unscoped(() => ImageTower(weights, config.Vision, fold: !trainable)));
        if (weights.IsNew) _ = (text.Value, image.Value); // drawn in this order
        else
        {
            using var scope = new TensorScope();
            var sketch = weights.Sketch();
            _ = new TextTransformer(sketch, config.Text);
            _ = ImageTower(sketch, config.Vision, fold: false);
        }

        LogitScale = weights.Get("logit_scale", [], Inits.Constant(Math.Log(1 / 0.07)), precise: true);
        weights.Complete();
        (mean, std) = TensorScope.Unscoped(() => (config.Mean.AsTensor(Device), config.Std.AsTensor(Device)));
    }

    /// <summary>
    /// From a model folder or a weights file in one. A <paramref name="config"/> given wins over the one beside the weights, and so does an
    /// <paramref name="architecture"/> by open_clip's name; weights with none of them are taken for OpenAI's only where they carry OpenAI's marks, because the
    /// activation cannot be seen in them. A script (OpenAI's archives) says itself what it is, and wins over all but the first. Settings of a
    /// <paramref name="published"/> checkpoint win over the file's; where they are not asked for, a file that says otherwise wins. <see cref="Remarks"/> name
    /// each contradiction. Weights that are to be trained are float32 whatever the <paramref name="precision"/>.
    /// </summary>
    public static ClipModel Load(string folderOrFile, ClipConfig? config = null, bool trainable = false, PublishedClip? published = null, Device? device = null, Precision precision = Precision.Float32, string? architecture = null) => TensorScope.Unscoped(() =>
    {
        var file = Directory.Exists(folderOrFile) ? WeightFiles.Find(folderOrFile) : folderOrFile;
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        var given = config is not null;
        config ??= architecture is not null ? ClipConfig.Named(architecture) : new[] { ConfigFile, "config.json" }.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists) is { } beside ? ClipConfig.Load(beside) : null;
        var tensors = WeightFiles.Read(file, out var classes);
        Weights? weights = null;
        try
        {
            if (config?.TextOf is { } other) TakeText(tensors, Path.Combine(Path.GetDirectoryName(folder)!, other), file);
            var isOpenAI = tensors.ContainsKey("input_resolution");
            var stored = ClipLayout.ToOpenClip(tensors, file);
            if (!stored.Keys.Any(name => name == "token_embedding.weight" || IsPictureSide(name))) throw new WeightsException($"{file}: no CLIP by the names of its {stored.Count} tensors: {Shown(stored.Keys)}") { IsUnsupported = true };
            if (config is null && published is not null && !isOpenAI) config = ClipConfig.Named(published.Architecture);
            if (config is null && !isOpenAI) throw new WeightsException($"{file}: no {ConfigFile} and no config.json beside it, and the weights are not OpenAI's; give a ClipConfig, or name the architecture before the file: ViT-B-32:{Path.GetFileName(file)}");
            config ??= ClipConfig.FromOpenAI(stored);
            List<string> remarks = [];
            if (!given && published is null)
            {
                (config, var own) = new ClipArchive(stored, classes, isOpenAI).Against(config, architecture);
                remarks.AddRange(own.Select(what => $"{file}: {what}; the archive's is used"));
            }

            if (published is not null)
            {
                remarks.AddRange(published.Against(config).Select(what => $"{file}: the file has {what}; the table's is used"));
                config = published.Applied(config);
            }
            else if (!given && architecture is null && (PublishedClip.At(folderOrFile) ?? PublishedClip.At(file)) is { } known)
            {
                remarks.AddRange(known.Against(config).Select(what => $"{file}: the file has {what}; the file's is used ({known}:PATH takes the other)"));
            }

            weights = Weights.Later(stored, file, device, trainable ? Precision.Float32 : precision);
            var model = new ClipModel(weights, config, trainable) { Folder = folder, Remarks = remarks };
            if (FindTokenizer(config.TextOf is null ? folder : Path.Combine(Path.GetDirectoryName(folder)!, config.TextOf), config) is { } tokenizer) model.Tokenizer = tokenizer;
            return model;
        }
        catch
        {
            weights?.Dispose();
            foreach (var tensor in tensors.Values) tensor.Dispose();
            throw;
        }
    });

    /// <summary>By folder, file or zoo name, with what may stand before it (<see cref="ModelName"/>).</summary>
    public static ClipModel Open(string model, Device? device = null, bool trainable = false, Precision precision = Precision.Float32)
    {
        var name = ModelName.Parse(model);
        return Load(Zoo.Resolve(name.Path), null, trainable, name.Published, device, precision, name.Published is null ? name.Architecture : null);
    }

    /// <summary>A new model, drawn as CLIP's are (openai/CLIP clip/model.py, initialize_parameters), to train from nothing.</summary>
    public static ClipModel New(ClipConfig config, Generator random) => TensorScope.Unscoped(() => new ClipModel(Weights.New(random), config, trainable: true));

    /// <summary>The same to measure with, not to train: batch norms folded, in the precision asked for.</summary>
    public static ClipModel Random(ClipConfig config, Generator random, Precision precision = Precision.Auto) => TensorScope.Unscoped(() => new ClipModel(Weights.New(random, precision), config));

    public ClipConfig Config { get; }
    public Weights Weights { get; }

    /// <summary>What the towers compute in; embeddings are float32 whatever it is.</summary>
    public Precision Precision => Weights.Type == DType.BFloat16 ? Precision.BFloat16 : Precision.Float32;

    /// <summary>Where the weights are; pictures and token rows are brought there.</summary>
    public Device Device => Weights.Device;
    public TextTransformer Text => text.Value;
    public IImageTower Image => image.Value;

    /// <summary>The folder it was loaded from; null for a new one.</summary>
    public string? Folder { get; private init; }

    /// <summary>The text tower's weights, where they are in another file than the image tower's (<see cref="ClipConfig.TextOf"/>); null: the same.</summary>
    public string? TextWeightsFile => Config.TextOf is { } other && Folder is not null ? WeightFiles.Find(Path.Combine(Path.GetDirectoryName(Folder)!, other)) : null;

    /// <summary>For the user: where the file and what is known of the published checkpoint disagree, and which of them counts.</summary>
    public IReadOnlyList<string> Remarks { get; private init; } = [];

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
    public IEnumerable<KeyValuePair<string, Tensor>> Parameters => Weights.All.Where(w => IsParameter(w.Key));

    /// <summary>How many numbers training moves, in all and in the image tower with its projection.</summary>
    public (long All, long Visual) ParameterCounts()
    {
        long Sum(string prefix) => Weights.Outline.Where(w => IsParameter(w.Name) && w.Name.StartsWith(prefix, StringComparison.Ordinal)).Sum(w => w.Shape.Aggregate(1L, (product, side) => product * side));
        return (Sum(""), Sum("visual."));
    }

    /// <summary>Pictures in [0, 1], [n, 3, h, w], by the checkpoint's mean and deviation.</summary>
    public Tensor Normalize(Tensor images) => (images.To(Device) - mean) / std;

    /// <summary>Normalised pictures [n, 3, h, w] to [n, D].</summary>
    public Tensor EncodeImage(Tensor normalised) => TensorScope.Of(() => Image.Forward(normalised));

    /// <summary>Token rows [n, context], int64, to [n, D].</summary>
    public Tensor EncodeText(Tensor ids) => TensorScope.Of(() => Text.Forward(ids.To(Device)));

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

    /// <summary>
    /// Writes open_clip_config.json, open_clip_model.safetensors and the tokenizer; <paramref name="half"/> stores matrices as fp16. With <paramref name="textOf"/>,
    /// a model's folder beside this one that has the same text tower, only the picture side is written (<see cref="ClipConfig.TextOf"/>).
    /// </summary>
    public void Save(string folder, bool half = false, string? textOf = null)
    {
        Directory.CreateDirectory(folder);
        Weights.Save(Path.Combine(folder, WeightsFile), new Dictionary<string, string> { ["format"] = "pt" }, half, textOf is null ? null : IsPictureSide);
        (Config with { TextOf = textOf }).Save(Path.Combine(folder, ConfigFile));
        if (Tokenizer is null || textOf is not null) return;
        if (Tokenizer.EndId != 513 + Tokenizer.Merges.Count) throw new NotSupportedException($"{folder}: the tokenizer numbers its symbols in an order of its own; {tokenizerFiles[0]} cannot hold that");
        Tokenizer.Save(Path.Combine(folder, tokenizerFiles[0]));
    }

    public void Dispose()
    {
        if (image.IsValueCreated) image.Value.Dispose();
        Weights.Dispose();
        mean.Dispose();
        std.Dispose();
    }

    private static IImageTower ImageTower(Weights weights, VisionConfig config, bool fold) =>
        config.TimmName is not null ? new TimmVision(weights / "visual", config, fold) : config.Stages is not null ? new ModifiedResNet(weights / "visual", config, fold) : new VisionTransformer(weights / "visual", config);

    private static bool IsParameter(string name) => !name.EndsWith("running_mean", StringComparison.Ordinal) && !name.EndsWith("running_var", StringComparison.Ordinal);

    private static bool IsPictureSide(string name) => name.StartsWith("visual.", StringComparison.Ordinal);

    private static string Shown(IEnumerable<string> names) => string.Join(", ", names.Take(4).Select(name => TensorResolver.Shown(name))) + (names.Skip(4).Any() ? ", …" : "");

    private static void TakeText(Dictionary<string, Tensor> tensors, string folder, string file)
    {
        if (!Directory.Exists(folder)) throw new WeightsException($"{file}: its text tower is that of {folder}, which is not there");
        foreach (var (name, tensor) in WeightFiles.Read(WeightFiles.Find(folder)))
        {
            if (IsPictureSide(name) || !tensors.TryAdd(name, tensor)) tensor.Dispose();
        }
    }

    private static BpeTokenizer? FindTokenizer(string folder, ClipConfig config)
    {
        foreach (var name in tokenizerFiles)
        {
            if (Directory.EnumerateFiles(folder, name).Order(StringComparer.Ordinal).FirstOrDefault() is not { } file) continue;
            var found = file.EndsWith(".json", StringComparison.Ordinal) ? BpeTokenizer.Load(folder) : BpeTokenizer.Load(file, config.Origin == ClipOrigin.OpenClip ? TokenizerFlavour.OpenClip : TokenizerFlavour.OpenAi);
            return config.Text.TakesSingulars ? found.As(found.Flavour with { TakesSingulars = true }) : found;
        }

        return null;
    }
}
