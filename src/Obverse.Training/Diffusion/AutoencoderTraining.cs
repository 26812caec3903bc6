using Obverse.Evaluation;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>Trains an autoencoder on the views of a picture set and writes it as <c>vae/</c> of a diffusers folder.</summary>
public static class AutoencoderTraining
{
    private const ulong Order = 400, Noise = 401, Inits = 402;
    private const int Measured = 512;

    /// <summary>Trains and writes <c>vae/</c>; every checkpoint writes it as it stands.</summary>
    /// <param name="pictures">The folder of a <see cref="PictureSet"/>.</param>
    /// <param name="clip">A CLIP with an EfficientNet tower, for the perceptual part of the loss.</param>
    /// <param name="options">How.</param>
    /// <param name="output">The model's folder.</param>
    /// <param name="work">Folder for checkpoint and log.</param>
    /// <param name="progress">Called every few updates.</param>
    /// <param name="cancel">Stops and leaves a checkpoint.</param>
    /// <returns>True where the run is finished.</returns>
    public static bool Train(string pictures, string clip, AutoencoderOptions options, string output, string work, Action<PretrainingStep>? progress = null, CancellationToken cancel = default)
    {
        using var set = PictureSet.Open(pictures, PocketClip.DecodeJpeg);
        var views = new PictureViews(set, "pocket-sd", options.Seed, new ViewCounts { Photos = 1, Drawings = 3, Compositions = 0 });
        using var seen = options.PerceptualWeight > 0 ? ClipModel.Open(clip) : null;
        using var random = Generator.For(options.Seed, Inits);
        using var weights = TensorScope.Unscoped(() => Weights.New(random));
        var autoencoder = TensorScope.Unscoped(() => new Autoencoder(weights, options.Config));
        // An encoder with an analytic start stays as it is: latents are then known before the decoder is good, and a UNet may be trained beside it.
        var isAnalytic = options.Analytic && AutoencoderStart.Fits(options);
        if (isAnalytic) AutoencoderStart.Apply(weights, options);
        var learned = weights.All.Where(w => !isAnalytic || w.Key.StartsWith("decoder.", StringComparison.Ordinal) || w.Key.StartsWith("post_quant_conv.", StringComparison.Ordinal));
        using var perceptual = seen is null ? null : FeatureDistance.Of(seen, clip);
        var order = new ShuffledSampler(views.Count, options.Seed, Order);
        Task<byte[][]>? next = null;
        Task<byte[][]> Rendered(long step) => Task.Run(() => Array.ConvertAll(order.Batch(step, options.Batch), view => views.Render(view, options.Side).Rgb));

        using var loop = new TrainingLoop("autoencoder", options, learned, step =>
        {
            var batch = PictureBatches.ToTensor((next ?? Rendered(step)).GetAwaiter().GetResult(), options.Side) * 2 - 1;
            next = Rendered(step + 1);
            using var noise = Generator.For(options.Seed, Noise, (ulong)step);
            long At() => (long)noise.Next(0, options.Side - options.Crop + 1);
            var parts = Tensor.Stack([.. batch.Unbind().Select(picture => picture.Narrow(1, At(), options.Crop).Narrow(2, At(), options.Crop))]);
            return Loss(autoencoder, parts, shape => noise.Normal(shape), options, perceptual);
        });
        void Save()
        {
            var part = Path.Combine(output, "vae");
            var averages = loop.Averages.ToDictionary(w => w.Key, w => w.Value);
            ModelWriter.Save(part, weights.All.Select(w => KeyValuePair.Create(w.Key, averages.GetValueOrDefault(w.Key, w.Value))));
            using var scope = new TensorScope();
            using var still = new NoGrad();
            (options.Config with { ScalingFactor = 1 }).Save(Path.Combine(part, "config.json"));
            using var stored = Autoencoder.Load(part);
            // Latents of unit variance, over a fixed sample of views.
            var latents = PictureBatches.Run(Enumerable.Range(0, Math.Min(Measured, views.Count)).Select(i => views.Render(i, options.Side).Rgb), options.Side, x => stored.ToLatents(x));
            (options.Config with { ScalingFactor = 1 / latents.Square().Mean().Sqrt().Item() }).Save(Path.Combine(part, "config.json"));
        }

        return loop.Run(work, progress, Save, cancel);
    }

    /// <summary>Mean absolute difference, distance of features, divergence.</summary>
    internal static (Tensor Loss, IReadOnlyDictionary<string, double> Parts) Loss(Autoencoder autoencoder, Tensor pictures, Func<long[], Tensor> noise, AutoencoderOptions options, FeatureDistance? perceptual)
    {
        var found = autoencoder.Encode(pictures);
        var drawn = autoencoder.Decode(found.Sample(noise(found.Mean.Shape)));
        var difference = (drawn - pictures).Abs().Mean();
        var divergence = found.Divergence().Mean() / (double)(found.Mean.Elements / found.Mean.Size(0));
        var loss = difference + divergence * options.DivergenceWeight;
        Dictionary<string, double> parts = new() { ["pixels"] = difference.Item(), ["divergence"] = divergence.Item() };
        if (perceptual is not null)
        {
            var distance = perceptual.Between(drawn * 0.5 + 0.5, pictures * 0.5 + 0.5).Mean();
            loss = loss + distance * options.PerceptualWeight;
            parts["features"] = distance.Item();
        }

        return (loss, parts);
    }
}
