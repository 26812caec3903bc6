using System.Text.RegularExpressions;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// A Stable Diffusion 1.x checkpoint in one file (<c>.safetensors</c>, <c>.ckpt</c>), as CompVis wrote it. Configurations and tokenizer come from a folder beside it that is called as the file
/// without its extension, laid out as diffusers' (without weights), where there is one; else the shapes say what they can.
/// </summary>
internal sealed partial class SingleFile
{
    public const string UNetPrefix = "model.diffusion_model.", AutoencoderPrefix = "first_stage_model.", TextPrefix = "cond_stage_model.transformer.";

    private SingleFile(string path) => (Path, Beside) = (path, System.IO.Path.ChangeExtension(path, null));

    public string Path { get; }

    /// <summary>The folder with configurations, which need not be there.</summary>
    public string Beside { get; }
    public required UNetConfig UNetConfig { get; init; }
    public required AutoencoderConfig AutoencoderConfig { get; init; }
    public required TextConfig TextConfig { get; init; }
    public required NoiseSchedule Schedule { get; init; }
    public required BpeTokenizer Tokenizer { get; init; }
    public required Weights UNet { get; init; }
    public required Weights Autoencoder { get; init; }
    public required Weights Text { get; init; }

    /// <summary>Whether a path is a file that may be one.</summary>
    public static bool IsOne(string path) => File.Exists(path) && System.IO.Path.GetExtension(path).ToLowerInvariant() is ".safetensors" or ".ckpt" or ".pt" or ".bin";

    /// <exception cref="WeightsException">Another model, or a part is missing.</exception>
    public static SingleFile Open(string path, Device? device, Precision precision)
    {
        var tensors = WeightFiles.Read(path);
        List<Weights> opened = [];
        try
        {
            MustBeFirst(tensors, path);
            var beside = System.IO.Path.ChangeExtension(path, null);
            var shapes = new SingleFileShapes(tensors.ToDictionary(t => t.Key, t => t.Value.Shape), path);
            T Config<T>(string part, Func<string, T> load, Func<T> guess) => System.IO.Path.Combine(beside, part, "config.json") is var file && File.Exists(file) ? load(file) : guess();
            var unet = Config("unet", UNetConfig.Load, shapes.UNet);
            var autoencoder = Config("vae", AutoencoderConfig.Load, shapes.Autoencoder);
            var text = Config("text_encoder", StableDiffusionModel.ReadTextConfig, shapes.Text);
            Weights Later(Dictionary<string, StoredTensor> named)
            {
                opened.Add(Weights.Later(named, path, device, precision));
                return opened[^1];
            }

            return new(path)
            {
                UNetConfig = unet, AutoencoderConfig = autoencoder, TextConfig = text, Schedule = ScheduleOf(path, beside), Tokenizer = TokenizerOf(path, beside, text.VocabularySize),
                UNet = Later(Named(tensors, UNetPrefix, path, Names(weights => new UNet(weights, unet)), name => SingleFileNames.UNet(name, unet))),
                Autoencoder = Later(Named(tensors, AutoencoderPrefix, path, Names(weights => new Autoencoder(weights, autoencoder)), name => SingleFileNames.Autoencoder(name, autoencoder))),
                Text = Later(ClipLayout.ToOpenClip(Taken(tensors, TextPrefix).ToDictionary(t => t.Key, t => t.Value), path)),
            };
        }
        catch
        {
            foreach (var weights in opened) weights.Dispose();
            throw;
        }
        finally
        {
            foreach (var left in tensors.Values) left.Dispose(); // averages, schedules and losses of the training
        }
    }

    /// <summary>Writes a folder's model as one file, element types as they are; configurations and tokenizer stay in the folder.</summary>
    public static void Save(string folder, string path)
    {
        string Part(string part) => ModelFolder.Part(folder, part);
        var (unet, autoencoder) = (UNetConfig.Load(System.IO.Path.Combine(Part("unet"), "config.json")), AutoencoderConfig.Load(System.IO.Path.Combine(Part("vae"), "config.json")));
        List<KeyValuePair<string, Tensor>> all = [];
        using var scope = new TensorScope();
        foreach (var (name, tensor) in WeightFiles.Read(WeightFiles.OfPart(Part("unet")))) all.Add(new(UNetPrefix + SingleFileNames.UNet(name, unet), tensor));
        var vae = WeightFiles.OfPart(Part("vae"));
        foreach (var (name, tensor) in AutoencoderNames.Renamed(WeightFiles.Read(vae), vae))
        {
            var theirs = SingleFileNames.Autoencoder(name, autoencoder);
            all.Add(new(AutoencoderPrefix + theirs, theirs.Contains(".attn_1.", StringComparison.Ordinal) && tensor.Dims == 2 ? tensor.Reshape(tensor.Size(0), tensor.Size(1), 1, 1) : tensor));
        }

        foreach (var (name, tensor) in WeightFiles.Read(WeightFiles.OfPart(Part("text_encoder")))) all.Add(new(TextPrefix + (name.StartsWith("text_model.", StringComparison.Ordinal) ? "" : "text_model.") + name, tensor));
        Safetensors.Save(path, all.OrderByDescending(t => Safetensors.ElementSize(t.Value.DType)), new Dictionary<string, string> { ["format"] = "pt" });
    }

    private static void MustBeFirst(Dictionary<string, Tensor> tensors, string path)
    {
        bool Has(string prefix) => tensors.Keys.Any(name => name.StartsWith(prefix, StringComparison.Ordinal));
        if (Has("conditioner.")) throw new NotSupportedException($"{path}: a Stable Diffusion XL checkpoint (two text encoders); Stable Diffusion 1.x is built");
        if (Has("cond_stage_model.model.")) throw new NotSupportedException($"{path}: a Stable Diffusion 2 checkpoint (OpenCLIP's text encoder, rows of 1024 numbers); Stable Diffusion 1.x is built");
        foreach (var (prefix, what) in new[] { (UNetPrefix, "UNet"), (AutoencoderPrefix, "autoencoder"), (TextPrefix, "text encoder") })
        {
            if (!Has(prefix)) throw new WeightsException($"{path}: no {what} ({prefix}*), which a Stable Diffusion 1.x checkpoint has; its tensors are {string.Join(", ", tensors.Keys.Take(2))}, …");
        }
    }

    // The names that a network asks for.
    private static string[] Names(Func<Weights, object> network)
    {
        using var scope = new TensorScope();
        using var shapes = Weights.Shapes();
        _ = network(shapes);
        return [.. shapes.Outline.Select(one => one.Name)];
    }

    // What no name of ours stands for keeps its own, so that it is reported as left over.
    private static Dictionary<string, StoredTensor> Named(Dictionary<string, Tensor> tensors, string prefix, string path, string[] names, Func<string, string> theirs)
    {
        var ours = names.ToDictionary(theirs, name => name);
        return AutoencoderNames.ToNew(Taken(tensors, prefix).ToDictionary(t => ours.GetValueOrDefault(t.Key, t.Key), t => t.Value), path);
    }

    private static List<KeyValuePair<string, Tensor>> Taken(Dictionary<string, Tensor> tensors, string prefix)
    {
        List<KeyValuePair<string, Tensor>> taken = [.. tensors.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal))];
        foreach (var (name, _) in taken) tensors.Remove(name);
        return [.. taken.Select(t => KeyValuePair.Create(t.Key[prefix.Length..], t.Value))];
    }

    // CompVis' configuration beside the file, as web UIs have it, says whether the network predicts velocity.
    private static NoiseSchedule ScheduleOf(string path, string beside)
    {
        if (System.IO.Path.Combine(beside, "scheduler", "scheduler_config.json") is var file && File.Exists(file)) return NoiseSchedule.Load(file);
        var yaml = System.IO.Path.ChangeExtension(path, ".yaml");
        return File.Exists(yaml) && new FileInfo(yaml).Length < 1 << 20 && Velocity().IsMatch(File.ReadAllText(yaml)) ? NoiseSchedule.StableDiffusion1 with { Prediction = Prediction.Velocity } : NoiseSchedule.StableDiffusion1;
    }

    private static BpeTokenizer TokenizerOf(string path, string beside, int words)
    {
        var here = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        foreach (var folder in new[] { System.IO.Path.Combine(beside, "tokenizer"), System.IO.Path.Combine(here, "tokenizer"), here })
        {
            if (File.Exists(System.IO.Path.Combine(folder, "merges.txt")) || File.Exists(System.IO.Path.Combine(folder, "tokenizer.json"))) return BpeTokenizer.Load(folder);
            foreach (var merges in new[] { "bpe_simple_vocab_16e6.txt.gz", "bpe.txt.gz" }) if (System.IO.Path.Combine(folder, merges) is var file && File.Exists(file)) return BpeTokenizer.Load(file, TokenizerFlavour.HuggingFace);
        }

        foreach (var repository in new[] { "openai/clip-vit-large-patch14", "CompVis/stable-diffusion-v1-4", "runwayml/stable-diffusion-v1-5" })
        {
            if (Zoo.Cached(HubRepository.Parse(repository)) is not { } cached) continue;
            foreach (var folder in new[] { System.IO.Path.Combine(cached, "tokenizer"), cached }) if (File.Exists(System.IO.Path.Combine(folder, "merges.txt")) && BpeTokenizer.Load(folder) is var found && found.VocabularySize == words) return found;
        }

        throw new WeightsException($"{path}: a single file holds no tokenizer: put CLIP's vocab.json and merges.txt, or bpe_simple_vocab_16e6.txt.gz, into {System.IO.Path.Combine(beside, "tokenizer")}, or `obverse models pull openai/clip-vit-large-patch14`");
    }

    [GeneratedRegex("""^\s*parameterization:\s*["']?v["']?\s*$""", RegexOptions.Multiline)]
    private static partial Regex Velocity();
}
