using System.Security.Cryptography;
using System.Text;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// Trains a UNet to denoise the latents of a picture set beside the text rows of captions, and writes <c>unet/</c>, <c>scheduler/</c> and model_index.json beside the
/// autoencoder that <see cref="AutoencoderTraining"/> made. Latents and rows are computed once.
/// </summary>
public static class DiffusionTraining
{
    internal const ulong PhotoOrder = 410, DrawingOrder = 411, SeenPhotoOrder = 414, SeenDrawingOrder = 415;
    private const ulong Draws = 412, Inits = 413;
    private const double Guidance = 2; // a small model's colours burn at Stable Diffusion's 7.5

    /// <summary>Trains and writes; every checkpoint writes the averaged weights as they stand.</summary>
    /// <param name="pictures">The folder of a <see cref="PictureSet"/>.</param>
    /// <param name="clip">The CLIP whose text tower gives the rows.</param>
    /// <param name="options">How.</param>
    /// <param name="output">The model's folder, which has a <c>vae/</c>.</param>
    /// <param name="work">Folder for caches, checkpoint and log.</param>
    /// <param name="say">What is done before the training, line by line.</param>
    /// <param name="progress">Called every few updates.</param>
    /// <param name="cancel">Stops and leaves a checkpoint.</param>
    /// <returns>True where the run is finished.</returns>
    public static bool Train(string pictures, string clip, DiffusionOptions options, string output, string work, Action<string>? say = null, Action<PretrainingStep>? progress = null, CancellationToken cancel = default)
    {
        void Working(WorkProgress done) => say?.Invoke(FormattableString.Invariant($"{done.Text}, {done.Done} of {done.Total}, {done.Left?.TotalMinutes:F1} min left"));
        using var process = new TrainingProcess(options.Threads);
        using var set = PictureSet.Open(pictures, PocketClip.DecodeJpeg);
        using var model = ClipModel.Open(clip);
        using var autoencoder = Autoencoder.Load(Path.Combine(output, "vae"));
        var config = autoencoder.Config;
        var views = new PictureViews(set, "pocket-sd", options.Seed, new ViewCounts { Photos = 1, PhotosPerClass = options.PhotosPerClass, Drawings = options.DrawingViews, Compositions = 0 }, options.ImageNetNames ? entry => ImageNet.NamedBy(entry.Name).Count > 0 : null);
        var cached = Path.Combine(work, "latents-" + CacheKey(options, Path.Combine(output, "vae", ModelWriter.WeightsFile)));
        FeatureCache.Build(cached, views, images => autoencoder.ToLatents(images).Flatten(1), [config.SampleSize], progress: done => Working(done with { Text = "latents, " + done.Text }), cancel: cancel);
        if (cancel.IsCancellationRequested) return false;
        using var latents = FeatureCache.Open(cached);
        var captions = LatentCaptions.Of(set, latents.Rows, options.Seed);
        var count = Math.Min(options.Rows, model.Config.Text.ContextLength);
        using var rows = CaptionRows.Build(Path.Combine(work, "captions"), captions.All, model, count, Working, cancel);
        if (rows is null) return false;

        int[]? kept = null;
        if (options.BestRecognised > 0)
        {
            string[] names = [.. latents.Rows.Select(row => set.Entries[row.Picture].Name)];
            if (RecognisedCopies.Of(latents, names, autoencoder, model, Path.Combine(cached, "recognised.safetensors"), Working, cancel) is not { } recognised) return false;
            kept = RecognisedCopies.Best(latents.Rows, names, recognised, options.BestRecognised);
        }

        using var seen = options.PicturePrompts > 0 ? Seen(views, model, options, work, rows, Working, cancel) : null;
        if (cancel.IsCancellationRequested) return false;

        var side = config.SampleSize / config.Stride;
        var shape = options.Config(config.LatentChannels, side, checked((int)rows.Width));
        using var random = Generator.For(options.Seed, Inits);
        using var weights = TensorScope.Unscoped(() => Weights.New(random));
        var unet = TensorScope.Unscoped(() => new UNet(weights, shape));
        if (options.Start is { } start) StartFrom(start, weights);
        say?.Invoke($"{weights.All.Values.Sum(w => w.Elements):N0} parameters, {kept?.Length ?? latents.Rows.Count:N0} latents of {config.LatentChannels} x {side} x {side}, {captions.All.Count:N0} captions");
        var batches = new LatentBatches(latents, captions, options, kept);

        using var loop = new TrainingLoop("diffusion", options, weights.All, step =>
        {
            using var draws = Generator.For(options.Seed, Draws, (ulong)step);
            var (chosen, texts) = batches.At(step, draws);
            var z = latents.Take(chosen).Reshape(chosen.Length, config.LatentChannels, side, side);
            var prompts = texts.Length == chosen.Length ? rows.Take(texts) : Tensor.Cat([rows.Take(texts), seen!.Take(chosen.AsSpan(texts.Length))]);
            var loss = Loss(options, unet, z, prompts, draws.Normal(z.Shape), draws.Integers(0, options.Schedule.Steps, chosen.Length).ToArray<long>());
            return (loss, new Dictionary<string, double> { ["loss"] = loss.Item() });
        });
        void Save()
        {
            var part = Path.Combine(output, "unet");
            ModelWriter.Save(part, loop.Averages);
            shape.Save(Path.Combine(part, "config.json"));
            Directory.CreateDirectory(Path.Combine(output, "scheduler"));
            options.Schedule.Save(Path.Combine(output, "scheduler", "scheduler_config.json"));
            StableDiffusionModel.WriteIndex(output, Path.GetFileName(model.Folder!), count, options.Schedule.Sampler, Guidance);
        }

        return loop.Run(work, progress, Save, cancel);
    }

    /// <summary>Weighted squared error of the prediction at one time a row.</summary>
    internal static Tensor Loss(DiffusionOptions options, UNet unet, Tensor latents, Tensor rows, Tensor noise, long[] times)
    {
        var schedule = options.Schedule;
        var target = schedule.Prediction == Prediction.Epsilon ? noise : schedule.Velocity(latents, noise, times);
        var error = (unet.Forward(schedule.AddNoise(latents, noise, times), Tensor.From(times), rows) - target).Square().Mean([1, 2, 3]);
        return (error * Tensor.From(Array.ConvertAll(times, time => (float)Weight(options, schedule.AlphaProducts[(int)time])))).Mean();
    }

    private static PictureRows Seen(PictureViews views, ClipModel clip, DiffusionOptions options, string work, CaptionRows rows, Action<WorkProgress> say, CancellationToken cancel)
    {
        var cached = Path.Combine(work, "seen-" + CacheKey(options, WeightFiles.Find(clip.Folder!)!));
        FeatureCache.Build(cached, views, PictureRows.Embedding(clip), [clip.ImageSize], progress: done => say(done with { Text = "pictures seen by the CLIP, " + done.Text }), cancel: cancel);
        var embeddings = FeatureCache.Open(cached);
        using var scope = new TensorScope();
        return new(embeddings, clip, rows.Take([0]), options.PictureLength);
    }

    // By another model, or of other pictures, what is cached is other.
    private static string CacheKey(DiffusionOptions options, string weights)
    {
        var model = StoredFile.Hash(weights);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{model} {options.PhotosPerClass} {options.DrawingViews} {options.ImageNetNames} {options.Seed}"))))[..8];
    }

    private static void StartFrom(string folder, Weights weights)
    {
        using var scope = new TensorScope();
        using var file = Safetensors.Open(Path.Combine(folder, ModelWriter.WeightsFile));
        foreach (var (name, weight) in weights.All)
        {
            if (!file.Contains(name) || !file[name].Shape.SequenceEqual(weight.Shape)) throw new WeightsException($"{folder}: no {name} of {string.Join(" x ", weight.Shape)} numbers is there, so no training of this shape starts from it");
            weight.CopyInPlace(file[name].To(DType.Float32));
        }
    }

    private static double Weight(DiffusionOptions options, double alpha)
    {
        if (options.MinSnr == 0) return 1;
        var ratio = alpha / (1 - alpha) + (options.Prediction == Prediction.Velocity ? 1 : 0);
        return Math.Min(ratio, options.MinSnr) / ratio;
    }
}

/// <summary>The captions of every view, a function of the seed and its number; number 0 is the empty one. A photograph has its name in every frame, so that a sentence about it need not be the one it was seen with.</summary>
internal sealed class LatentCaptions
{
    private LatentCaptions(IReadOnlyList<string> all, int[][] ofView) => (All, OfView) = (all, ofView);

    public IReadOnlyList<string> All { get; }

    /// <summary>Numbers of each view's captions, at least one.</summary>
    public int[][] OfView { get; }

    public static LatentCaptions Of(PictureSet set, IReadOnlyList<ViewRow> rows, ulong seed)
    {
        Dictionary<string, int> numbers = new() { [""] = 0 };
        var views = new int[rows.Count][];
        for (var i = 0; i < views.Length; i++)
        {
            var texts = Captions(set.Entries[rows[i].Picture], rows[i], new Random((int)(((seed + 1) * 0x9E3779B97F4A7C15UL ^ (ulong)(i + 1) * 0xBF58476D1CE4E5B9UL) >> 33)));
            views[i] = [.. texts.Distinct().Select(text =>
            {
                if (!numbers.TryGetValue(text, out var number)) numbers.Add(text, number = numbers.Count);
                return number;
            })];
        }

        return new([.. numbers.Keys], views);
    }

    // Few frames round many names, so that the rows fit in memory; a drawing's says its style and ground.
    private static IEnumerable<string> Captions(PictureEntry entry, ViewRow row, Random random)
    {
        if (!entry.IsPhoto) return [Training.Captions.Drawing(entry, Backdrop.All.First(b => b.Name == row.Backdrop), random)];
        return ((string[])[entry.Name, random.NextDouble() < 0.7 ? entry.Name : entry.Names[random.Next(entry.Names.Count)]]).SelectMany(name =>
        {
            var thing = English.WithArticle(char.ToLowerInvariant(name[0]) + name[1..]) is var lowered && lowered.EndsWith(name[1..], StringComparison.Ordinal) ? lowered[..^name.Length] + name : name;
            return (string[])[name, thing, $"a picture of {thing}", $"a photo of {thing}"];
        });
    }
}

/// <summary>Which views, and which captions of them, a step has.</summary>
internal sealed class LatentBatches
{
    private readonly LatentCaptions captions;
    private readonly DiffusionOptions options;
    private readonly Pool told, seen;

    public LatentBatches(FeatureCache latents, LatentCaptions captions, DiffusionOptions options, int[]? kept = null)
    {
        (this.captions, this.options) = (captions, options);
        told = new(latents, kept, options, DiffusionTraining.PhotoOrder, DiffusionTraining.DrawingOrder);
        seen = new(latents, null, options, DiffusionTraining.SeenPhotoOrder, DiffusionTraining.SeenDrawingOrder);
    }

    /// <summary>Views, and numbers of their captions, some of which are the empty one; views at the end that have no caption have their picture as the prompt.</summary>
    public (long[] Views, long[] Captions) At(long step, Generator draws)
    {
        var pictured = (int)Math.Round(options.Batch * options.PicturePrompts);
        var views = told.Batch(step, options.Batch - pictured);
        var texts = Array.ConvertAll(views, view => IsDropped() ? 0L : captions.OfView[view][(int)(draws.Next() * captions.OfView[view].Length)]);
        if (pictured == 0) return (views, texts);
        var all = seen.Batch(step, pictured).ToLookup(_ => IsDropped());
        return ([.. views, .. all[true], .. all[false]], [.. texts, .. all[true].Select(_ => 0L)]);
        bool IsDropped() => draws.Next() < options.CaptionDropout;
    }

    // Photographs and drawings, each in an order of their own.
    private sealed class Pool(FeatureCache latents, int[]? kept, DiffusionOptions options, ulong photoOrder, ulong drawingOrder)
    {
        private readonly int[] photos = [.. Of(latents, kept, ViewKind.Photo)], drawings = [.. Of(latents, kept, ViewKind.Drawing)];
        private readonly ShuffledSampler photoSampler = new(Of(latents, kept, ViewKind.Photo).Count(), options.Seed, photoOrder), drawingSampler = new(Of(latents, kept, ViewKind.Drawing).Count(), options.Seed, drawingOrder);

        public long[] Batch(long step, int count)
        {
            var drawn = photos.Length == 0 ? count : drawings.Length == 0 ? 0 : (int)Math.Round(count * options.Drawings);
            return [.. photoSampler.Batch(step, count - drawn).Select(i => (long)photos[i]), .. drawingSampler.Batch(step, drawn).Select(i => (long)drawings[i])];
        }

        private static IEnumerable<int> Of(FeatureCache latents, int[]? kept, ViewKind kind) => (kept ?? Enumerable.Range(0, latents.Rows.Count)).Where(i => latents.Rows[i].Kind == kind);
    }
}
