using System.Security.Cryptography;
using System.Text;
using Obverse.Diffusion;
using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>Fine-tunes a Stable Diffusion model, in place, to pictures: SD-IPC-FT, SD-IPC-CT or Custom Diffusion. Killed at any moment it goes on from its last checkpoint, to the same bytes.</summary>
public static class Tuning
{
    internal const string PromptPrefix = "picture_prompts.", LinearName = "conversion.weight", TokenPrefix = "tokens.";
    private const string PriorsFile = "priors.safetensors";
    private const ulong Inits = 535;

    /// <summary>Tunes.</summary>
    /// <param name="model">Its UNet is changed.</param>
    /// <param name="clip">The CLIP that sees the pictures; Custom Diffusion needs none.</param>
    /// <param name="pictures">What to tune to.</param>
    /// <param name="options">How.</param>
    /// <param name="from">A delta to begin with, as SD-IPC-CT begins with FT's; null: the model as it is.</param>
    /// <param name="work">Folder for checkpoint and log; null: none.</param>
    /// <param name="say">What is done before the training, line by line.</param>
    /// <param name="progress">Called every <see cref="LoopOptions.LogEvery"/> updates.</param>
    /// <param name="cancel">Stops after the update at hand and leaves a checkpoint.</param>
    /// <returns>The delta, of the caller; null where it was stopped.</returns>
    public static TunedDelta? Run(StableDiffusionModel model, ClipModel? clip, IReadOnlyList<TuningPicture> pictures, TuningOptions options, TunedDelta? from = null, string? work = null, Action<string>? say = null, Action<PretrainingStep>? progress = null, CancellationToken cancel = default)
    {
        if (pictures.Count == 0) throw new ArgumentException("no pictures were given to tune to");
        var isSdIpc = options.Method != TuningMethod.CustomDiffusion;
        if (isSdIpc && clip is null) throw new ArgumentException("SD-IPC needs a CLIP that sees pictures, whose text encoder is the model's");
        if (isSdIpc && clip!.Config.Text.Width != model.TextConfig.Width) throw new ArgumentException($"the CLIP's text encoder is {clip.Config.Text.Width} wide, the model's {model.TextConfig.Width}: their rows do not fit");
        var threads = Runtime.Threads;
        Runtime.Threads = options.Threads;
        try
        {
            from?.ApplyTo(model);
            var seeing = isSdIpc ? clip : null;
            var clipHash = seeing?.Folder is { } folder ? StoredFile.Hash(WeightFiles.Find(folder)) : null;
            options = options with { Inputs = Mark([model.Sha256, clipHash ?? "", from?.Info?.ToJson() ?? "", from is null ? "" : StoredFile.Hash(TunedDelta.FileOf(from.Path)), .. pictures.Select(picture => $"{picture.Class} {picture.Hash()}")]) };
            model.UNet.Recomputes = options.Recomputes;
            model.UNet.HoldsStart = !isSdIpc;
            var info = new DeltaInfo
            {
                Method = TuningOptions.NameOf(options.Method), Parts = TuningOptions.NameOf(options.Parts), Model = Path.GetFileName(model.Folder.TrimEnd('/')), ModelSha256 = model.Sha256, Clip = Path.GetFileName(seeing?.Folder), ClipSha256 = clipHash,
                Placement = options.Placement, Norm = options.Norm, Length = isSdIpc ? options.Length : null, Cutoff = options.Cutoff, Updates = options.Steps ?? 0, Rate = options.Rate, Pictures = pictures.Count,
                Concept = pictures.Select(picture => picture.Class).Distinct().Count() == 1 ? pictures[0].Class : null,
            };
            return isSdIpc ? SdIpc(model, clip!, pictures, options, from, info, work, progress, cancel) : CustomDiffusion(model, pictures, options, from, info, work, say, progress, cancel);
        }
        catch (OperationCanceledException) { return null; }
        finally
        {
            (model.UNet.Recomputes, model.UNet.HoldsStart) = (false, false);
            Runtime.Threads = threads;
        }
    }

    /// <summary>Removes what a finished run no longer needs, and the folder where nothing else is in it.</summary>
    public static void Clear(string work)
    {
        foreach (var name in (string[])["checkpoint.safetensors", "log.csv", PriorsFile]) File.Delete(Path.Combine(work, name));
        if (Directory.Exists(work) && !Directory.EnumerateFileSystemEntries(work).Any()) Directory.Delete(work);
    }

    private static TunedDelta? SdIpc(StableDiffusionModel model, ClipModel clip, IReadOnlyList<TuningPicture> pictures, TuningOptions options, TunedDelta? from, DeltaInfo info, string? work, Action<PretrainingStep>? progress, CancellationToken cancel)
    {
        var parts = options.Parts;
        using var random = Generator.For(options.Seed, Inits);
        var projection = clip.Weights.All["text_projection"];
        using var plain = new PromptConverter(projection, options.Cutoff);
        using var linear = parts switch
        {
            TuningParts.Linear => Tensor.Owned(() => random.Uniform(-1, 1, model.TextConfig.Width, clip.EmbedDim) * (1 / Math.Sqrt(clip.EmbedDim))), // torch.nn.Linear's
            TuningParts.LinearFromInverse => plain.Weight(), _ => from?.Linear?.OwnedCopy(),
        };
        using var converter = new PromptConverter(projection, options.Cutoff) { Norm = options.Norm, Length = options.Length, Learned = linear };
        using var prompts = from?.PromptsOn(clip) ?? (parts is TuningParts.Both or TuningParts.Prompts ? PicturePrompts.New(clip, options.Prompts, options.Placement, random) : null);
        using var data = new TuningData(model, clip, pictures, cancel);
        using var loss = new SdIpcLoss(model, clip, data, prompts, converter, options);
        List<KeyValuePair<string, Tensor>> learned = [];
        if (parts is TuningParts.Both or TuningParts.KeyValues) learned.AddRange(model.UNetWeights.Where(w => UNet.IsKeyOrValue(w.Key)));
        if (parts is TuningParts.Both or TuningParts.Prompts) learned.AddRange(prompts!.Parameters.Select(p => KeyValuePair.Create(PromptPrefix + p.Key, p.Value)));
        if (parts is TuningParts.Linear or TuningParts.LinearFromInverse) learned.Add(new(LinearName, linear!));
        using var loop = new TrainingLoop("tuning", options, learned, loss.At);
        return loop.Run(work, progress, null, cancel) ? TunedDelta.Of(info, Attention(model, from, learned), prompts?.Parameters, linear, from?.Tokens) : null;
    }

    private static TunedDelta? CustomDiffusion(StableDiffusionModel model, IReadOnlyList<TuningPicture> pictures, TuningOptions options, TunedDelta? from, DeltaInfo info, string? work, Action<string>? say, Action<PretrainingStep>? progress, CancellationToken cancel)
    {
        if (work is not null) Directory.CreateDirectory(work);
        var prior = string.Join(", ", pictures.Select(picture => picture.Class).Distinct());
        using var priors = options.Priors > 0 && options.PriorWeight > 0 ? PriorPictures.Draw(model, prior, options.Priors, options, work is null ? null : Path.Combine(work, PriorsFile), say, cancel) : null;
        if (from is null || !from.Tokens.ContainsKey(options.Token))
        {
            int[] begin = model.Tokenizer.Encode(options.Initializer);
            if (begin.Length == 0) throw new ArgumentException($"the initializer '{options.Initializer}' has no token");
            var old = model.Added;
            using var still = new NoGrad();
            var first = Tensor.Owned(() => Tensor.Cat([.. old is null ? Array.Empty<Tensor>() : [old.Embeddings], model.Text.Embed(Tensor.From([(long)begin[0]], 1, 1)).Reshape(1, -1).To(DType.Float32)]));
            model.Added = new([.. old?.Names ?? [], options.Token], first, model.TextConfig.VocabularySize);
            old?.Dispose();
        }

        var added = model.Added!;
        using var loss = new CustomDiffusionLoss(model, pictures, priors, prior, options);
        List<KeyValuePair<string, Tensor>> learned = [.. model.UNetWeights.Where(w => UNet.IsKeyOrValue(w.Key)), new(TokenPrefix + options.Token, added.Embeddings)];
        using var loop = new TrainingLoop("tuning", options, learned, loss.At);
        if (!loop.Run(work, progress, null, cancel)) return null;
        using var scope = new TensorScope();
        return TunedDelta.Of(info, Attention(model, from, learned), null, null, added.Names.Select((name, i) => KeyValuePair.Create(name, added.Embeddings.Detach().Select(0, i))));
    }

    // What was learned now or before.
    private static IEnumerable<KeyValuePair<string, Tensor>> Attention(StableDiffusionModel model, TunedDelta? from, IReadOnlyList<KeyValuePair<string, Tensor>> learned) =>
        learned.Where(l => UNet.IsKeyOrValue(l.Key)).Concat((from?.Attention.Keys ?? []).Where(name => !learned.Any(l => l.Key == name)).Select(name => KeyValuePair.Create(name, model.UNetWeights[name])));

    private static string Mark(IEnumerable<string> parts) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))));
}
