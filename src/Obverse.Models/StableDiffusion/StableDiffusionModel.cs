using System.Text.Json;
using System.Text.Json.Nodes;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// Stable Diffusion 1.x: CLIP's text rows, the UNet, the autoencoder and the noise schedule, from a folder in diffusers' layout. It owns its weights, which are widened when a
/// part is first asked for.
/// </summary>
public sealed class StableDiffusionModel : IDisposable
{
    /// <summary>Key of model_index.json, our own: the zoo model beside this one whose text tower gives the rows.</summary>
    private const string TextOf = "text_of", Index = "model_index.json";

    /// <summary>Another key of our own: how many rows of a text the UNet was trained beside.</summary>
    private const string TextRowCount = "text_rows", GuidanceScale = "guidance";

    /// <summary>Guidance where a model names none, Stable Diffusion's.</summary>
    public const double UsualGuidance = 7.5;
    private readonly List<Weights> weights = [];
    private readonly ClipModel? clip;
    private readonly Weights? unetWeights, textWeights;
    private readonly Lazy<UNet> unet;
    private readonly Lazy<Autoencoder> autoencoder;
    private readonly Lazy<TextTransformer> text;
    private string? sha256;

    private StableDiffusionModel(string folder, Device? device, Precision precision)
    {
        Folder = folder;
        string Part(string part) => ModelFolder.Part(folder, part);
        Weights Owned(Weights opened)
        {
            weights.Add(opened);
            return opened;
        }

        try
        {
            Schedule = NoiseSchedule.Load(Path.Combine(Part("scheduler"), "scheduler_config.json"));
            var (unetConfig, vaeConfig) = (UNetConfig.Load(Path.Combine(Part("unet"), "config.json")), AutoencoderConfig.Load(Path.Combine(Part("vae"), "config.json")));
            (UNetConfig, AutoencoderConfig) = (unetConfig, vaeConfig);
            (WeightsFile, AutoencoderFile) = (WeightFiles.OfPart(Part("unet")), WeightFiles.OfPart(Part("vae")));
            if (ReadTextOf(folder) is { } name)
            {
                var beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar))!, name);
                clip = ClipModel.Load(Directory.Exists(beside) ? beside : Zoo.Resolve(name), device: device, precision: precision);
                (TextConfig, Tokenizer) = (clip.Config.Text, clip.Tokenizer ?? throw new WeightsException($"{name}: no tokenizer"));
                text = new(() => clip.Text);
                TextFile = clip.TextWeightsFile ?? WeightFiles.Find(clip.Folder!);
                Rows = ReadRows(folder, TextConfig.ContextLength);
                Guidance = ReadGuidance(folder);
                MustFit(folder, unetConfig, vaeConfig, TextConfig);
            }
            else
            {
                TextConfig = ReadTextConfig(Path.Combine(Part("text_encoder"), "config.json"));
                Tokenizer = BpeTokenizer.Load(Part("tokenizer"));
                Rows = TextConfig.ContextLength;
                TextFile = WeightFiles.OfPart(Part("text_encoder"));
                MustFit(folder, unetConfig, vaeConfig, TextConfig);
                text = Build(textWeights = Owned(ModelFolder.Text(Part("text_encoder"), device, precision)), w => new TextTransformer(w, TextConfig));
            }

            unet = Build(unetWeights = Owned(ModelFolder.UNet(Part("unet"), device, precision)), w => new UNet(w, unetConfig));
            autoencoder = Build(Owned(ModelFolder.Autoencoder(Part("vae"), device, precision)), w => new Autoencoder(w, vaeConfig));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private StableDiffusionModel(SingleFile file)
    {
        (Folder, WeightsFile, Schedule, TextConfig, Tokenizer, Rows) = (file.Beside, file.Path, file.Schedule, file.TextConfig, file.Tokenizer, file.TextConfig.ContextLength);
        (UNetConfig, AutoencoderConfig) = (file.UNetConfig, file.AutoencoderConfig);
        weights.AddRange([file.UNet, file.Autoencoder, file.Text]);
        (unetWeights, textWeights) = (file.UNet, file.Text);
        try
        {
            MustFit(file.Path, file.UNetConfig, file.AutoencoderConfig, file.TextConfig);
            unet = Build(file.UNet, w => new UNet(w, file.UNetConfig));
            autoencoder = Build(file.Autoencoder, w => new Autoencoder(w, file.AutoencoderConfig));
            text = Build(file.Text, w => new TextTransformer(w, file.TextConfig));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>From a folder, a single file, or a model of the zoo or of the hub's cache by name.</summary>
    public static StableDiffusionModel Load(string folderOrName, Device? device = null, Precision precision = Precision.Float32) => TensorScope.Unscoped(() =>
        Find(folderOrName) is var found && SingleFile.IsOne(found) ? new StableDiffusionModel(SingleFile.Open(found, device, precision)) : new StableDiffusionModel(found, device, precision));

    /// <summary>Writes a folder's model as the single file that other programs read (CompVis' names).</summary>
    public static void SaveSingleFile(string folder, string path) => SingleFile.Save(folder, path);

    public string Folder { get; }

    /// <summary>The UNet's file of weights.</summary>
    public string WeightsFile { get; }

    /// <summary>The autoencoder's.</summary>
    public string? AutoencoderFile { get; }

    /// <summary>The text encoder's; that of another model where the folder names one.</summary>
    public string? TextFile { get; }
    public NoiseSchedule Schedule { get; }
    public UNetConfig UNetConfig { get; }
    public AutoencoderConfig AutoencoderConfig { get; }
    public TextConfig TextConfig { get; }

    /// <summary>The guidance that the model is sampled with where nobody says another; a small model's index may name its own (<c>guidance</c>, a key of ours).</summary>
    public double Guidance { get; } = UsualGuidance;

    /// <summary>Rows of a prompt: the text tower's context, or fewer where a small UNet was trained beside fewer.</summary>
    public int Rows { get; }
    public BpeTokenizer Tokenizer { get; }

    /// <summary>The CLIP whose text tower gives the rows, where it is a model of its own and sees pictures too; null: the folder has a text encoder alone.</summary>
    public ClipModel? Clip => clip;
    /// <summary>Numbers of all its weights, and the type they are computed in.</summary>
    public (long Count, DType Type) Numbers => (weights.SelectMany(one => one.Outline).Sum(one => one.Shape.Aggregate(1L, (product, side) => product * side)) + (clip?.ParameterCounts().All ?? 0), weights[0].Type);
    public UNet UNet => unet.Value;
    public Autoencoder Autoencoder => autoencoder.Value;
    public TextTransformer Text => text.Value;

    /// <summary>The UNet's tensors by diffusers' names, as it computes with them: what is written into one, it uses.</summary>
    public IReadOnlyDictionary<string, Tensor> UNetWeights => Loaded(UNet, unetWeights!);

    /// <summary>The same of the text encoder, by open_clip's names.</summary>
    public IReadOnlyDictionary<string, Tensor> TextWeights => Loaded(Text, clip?.Weights ?? textWeights!);

    /// <summary>Tokens beside the vocabulary, from a tuned model (<c>&lt;new1&gt;</c>).</summary>
    public AddedTokens? Added { get; set; }

    /// <summary>SHA-256 of the UNet's weights, or of the single file: what a tuned delta belongs to.</summary>
    public string Sha256 => sha256 ??= StoredFile.Hash(WeightsFile);

    /// <summary>Rows of texts, after the last norm, pads among them: [n, rows, width].</summary>
    public Tensor TextRows(IReadOnlyList<string> texts) => Hidden(Tokenize(texts));

    /// <summary>Rows of token rows, which may name tokens of <see cref="Added"/>.</summary>
    public Tensor Hidden(Tensor ids) => Added is { } added ? Text.HiddenOf(added.Embed(Text, ids)) : Text.Hidden(ids);

    /// <summary>Where each row of tokens ends.</summary>
    public Tensor Ends(Tensor ids) => Text.Ends(Added is { } added ? added.Hidden(ids) : ids);

    /// <summary>Token rows of texts: [n, rows], int64.</summary>
    public Tensor Tokenize(IReadOnlyList<string> texts) => Tensor.From([.. texts.SelectMany(one => Added?.EncodeRow(Tokenizer, one, Rows) ?? Tokenizer.EncodeRow(one, Rows)).Select(id => (long)id)], texts.Count, Rows);

    /// <summary>Writes model_index.json of a model whose text tower is a zoo model's.</summary>
    public static void WriteIndex(string folder, string textOf, int rows, string sampler, double guidance = UsualGuidance)
    {
        JsonArray Part(string library, string type) => new(library, type);
        AtomicFile.WriteText(Path.Combine(folder, Index), new JsonObject
        {
            ["_class_name"] = "StableDiffusionPipeline", ["scheduler"] = Part("diffusers", sampler), [TextOf] = textOf, [TextRowCount] = rows, [GuidanceScale] = guidance, ["unet"] = Part("diffusers", "UNet2DConditionModel"), ["vae"] = Part("diffusers", "AutoencoderKL"),
        }.ToJsonString(new() { WriteIndented = true }) + "\n");
    }

    public void Dispose()
    {
        clip?.Dispose();
        Added?.Dispose();
        foreach (var one in weights) one.Dispose();
    }

    private static void MustFit(string origin, UNetConfig unet, AutoencoderConfig vae, TextConfig text)
    {
        if (unet.InChannels != vae.LatentChannels || unet.OutChannels != vae.LatentChannels) throw new WeightsException($"{origin}: the UNet takes {unet.InChannels} and gives {unet.OutChannels} channels, the autoencoder's latents have {vae.LatentChannels}{(unet.InChannels == 9 ? ": an inpainting checkpoint, which is not built; --mask works with the others" : "")}");
        if (text.Width != unet.ContextWidth) throw new WeightsException($"{origin}: text rows have {text.Width} numbers, the UNet's cross-attention takes {unet.ContextWidth}{(unet.ContextWidth == 1024 ? ", as Stable Diffusion 2 does with OpenCLIP's text encoder, which is not built" : "")}");
    }

    // After the network has asked for them, in the types that it wants.
    private static IReadOnlyDictionary<string, Tensor> Loaded(object network, Weights of) => TensorScope.Unscoped(() => network is null ? throw new ArgumentNullException(nameof(network)) : of.All);

    // Held against the weights at once, made when first asked for.
    private static Lazy<T> Build<T>(Weights weights, Func<Weights, T> network)
    {
        using (new TensorScope()) _ = network(weights.Sketch());
        weights.Complete();
        return new(() => TensorScope.Unscoped(() => network(weights)));
    }

    /// <summary>The folder or file of a model.</summary>
    /// <param name="folderOrName">A folder, a single file, a model of the zoo, or a hub's repository that is in the cache.</param>
    /// <exception cref="FileNotFoundException">None of them.</exception>
    public static string Find(string folderOrName)
    {
        if (File.Exists(Path.Combine(folderOrName, Index)) || SingleFile.IsOne(folderOrName)) return folderOrName;
        if (OfZoo(folderOrName) is { } found) return found;
        if (HubRepository.TryParse(folderOrName) is { } repository && Zoo.Cached(repository) is { } cached && File.Exists(Path.Combine(cached, Index))) return cached;
        throw new FileNotFoundException($"no Stable Diffusion model '{Visible.Of(folderOrName)}': {(Directory.Exists(folderOrName) ? $"its folder has no {Index}" : $"no folder with a {Index}")}, and none of that name in the zoo or the hub's cache");
    }

    /// <summary>The files of weights of a folder, or the single file.</summary>
    public static IEnumerable<string> FilesOf(string found) => File.Exists(found) ? [found]
        : new[] { "unet", "vae", "text_encoder" }.SelectMany(part => WeightNames.OfPipelines.Select(name => Path.Combine(found, part, name))).Where(Path.Exists);

    /// <summary>Whether it is a model of the zoo by name.</summary>
    public static bool IsOfZoo(string name) => !File.Exists(Path.Combine(name, Index)) && OfZoo(name) is not null;

    private static string? OfZoo(string name) => Zoo.Folder is { } zoo && name.Length > 0 && name.IndexOfAny(['/', '\\']) < 0 && Path.Combine(zoo, name) is var found && File.Exists(Path.Combine(found, Index)) ? found : null;

    private static string? ReadTextOf(string folder)
    {
        var json = ComponentConfig.Read(Path.Combine(folder, Index), type: null);
        if (!json.Has(TextOf)) return null;
        var name = json.Word(TextOf, "");
        return name == Path.GetFileName(name) && name is not ("" or "." or "..") ? name : throw json.Wrong($"{TextOf} is '{Visible.Of(name)}', wanted the name of a model beside this one");
    }

    private static int ReadRows(string folder, int context)
    {
        var json = ComponentConfig.Read(Path.Combine(folder, Index), type: null);
        return json.Whole(TextRowCount, context) is var rows && rows >= 2 && rows <= context ? rows : throw json.Wrong($"{TextRowCount} is {rows}, wanted 2 to the text tower's {context}");
    }

    private static double ReadGuidance(string folder)
    {
        var json = ComponentConfig.Read(Path.Combine(folder, Index), type: null);
        return json.Number(GuidanceScale, UsualGuidance) is >= 0 and <= 1000 and var guidance ? guidance : throw json.Wrong($"{GuidanceScale} is no number from 0 to 1000");
    }

    internal static TextConfig ReadTextConfig(string path)
    {
        if (!File.Exists(path)) throw new WeightsException($"{path}: no such file");
        try
        {
            var root = JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new WeightsException($"{path}: not a JSON object");
            return ClipConfig.FromTransformersText(root);
        }
        catch (JsonException e)
        {
            throw new WeightsException($"{path}: not JSON ({e.Message.ReplaceLineEndings(" ")})", e);
        }
    }
}
