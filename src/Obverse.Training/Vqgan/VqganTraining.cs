using System.Globalization;
using Obverse.Evaluation;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// Trains a VQGAN on the views of a picture set: pixels, features of an image tower and commitment (spec canvases.md 5.5; no discriminator); the codebook follows the
/// latents (<see cref="CodebookAverages"/>). One that <see cref="VqganStart"/> fits begins there and keeps its encoder, others learn from noise. Every checkpoint writes the model as it stands.
/// </summary>
public sealed class VqganTraining : IDisposable
{
    private const ulong Inits = 500, Order = 501, Codes = 502;

    private readonly VqganOptions options;
    private readonly FeatureDistance? features;
    private readonly CodebookAverages codebook;
    private readonly bool isAnalytic;
    private readonly TrainingLoop loop;
    private Func<long, byte[][]>? batches;

    /// <param name="options">How.</param>
    /// <param name="features">The image tower of the loss; null: pixels alone.</param>
    public VqganTraining(VqganOptions options, FeatureDistance? features = null)
    {
        (this.options, this.features) = (options, features);
        using var random = Generator.For(options.Seed, Inits);
        var weights = TensorScope.Unscoped(() => Weights.New(random));
        Model = TensorScope.Unscoped(() => new Vqgan(weights, options.Config));
        if (isAnalytic = VqganStart.Fits(options)) VqganStart.Apply(weights, options);
        codebook = new(Model.Codebook, options.CodeDecay, options.DeadShare);
        var book = Model.Parameters.Single(pair => ReferenceEquals(pair.Value, Model.Codebook));
        loop = new("VQGAN training", options, Model.Parameters.Where(pair => pair.Key != book.Key && !(isAnalytic && IsEncoders(pair.Key))), step => Loss(PictureBatches.ToTensor(batches!(step), options.Side), step), [book, .. codebook.State]);
    }

    // Of an analytic start it stays: distances of latents are those of pixels, and the codes settle in a space that does not move.
    private static bool IsEncoders(string name) => name.StartsWith("encoder.", StringComparison.Ordinal) || name.StartsWith("quant_conv.", StringComparison.Ordinal);

    /// <summary>What learns; after <see cref="Run"/> its averaged weights.</summary>
    public Vqgan Model { get; }

    /// <summary>Trains to the end, or until <paramref name="cancel"/> asks to stop, which leaves a checkpoint. The averaged weights are then in place.</summary>
    /// <param name="pictures">A picture set.</param>
    /// <param name="folder">Where <c>checkpoint.safetensors</c> and <c>log.csv</c> are written; null writes none.</param>
    /// <param name="progress">Called every <see cref="LoopOptions.LogEvery"/> updates.</param>
    /// <param name="saved">Called after each checkpoint.</param>
    /// <param name="cancel">Stops after the update at hand.</param>
    /// <returns>True where the run is finished.</returns>
    public bool Run(PictureSet pictures, string? folder = null, Action<PretrainingStep>? progress = null, Action? saved = null, CancellationToken cancel = default)
    {
        var views = new PictureViews(pictures, "pocket-vqgan", options.Seed, new() { Photos = 1, Drawings = 2, Compositions = 0, PhotosPerClass = 200 });
        var order = new ShuffledSampler(views.Count, options.Seed, Order);
        Task<byte[][]>? next = null;
        Task<byte[][]> Rendered(long step) => Task.Run(() => Array.ConvertAll(order.Batch(step, options.Batch), view => views.Render(view, options.Side).Rgb));
        batches = step =>
        {
            var ready = (next ?? Rendered(step)).GetAwaiter().GetResult();
            next = Rendered(step + 1);
            return ready;
        };
        return loop.Run(folder, progress, saved, cancel);
    }

    /// <summary>Writes the averaged weights; matrices and larger in 16 bits.</summary>
    public void Save(string path)
    {
        var names = Model.Parameters.Keys.ToHashSet();
        var learned = loop.Averages.Where(pair => names.Contains(pair.Key)).ToDictionary();
        ModelWriter.SaveFile(path, Model.Parameters.Select(pair => KeyValuePair.Create(pair.Key, learned.GetValueOrDefault(pair.Key, pair.Value))), KeyValuePair.Create(VqganConfig.GroupsKey, options.Groups.ToString(CultureInfo.InvariantCulture)));
    }

    public void Dispose()
    {
        loop.Dispose();
        codebook.Dispose();
        Model.Dispose();
    }

    // The loss of a batch [n, 3, s, s] in 0 … 1; the codebook takes the batch's latents in.
    private (Tensor Loss, IReadOnlyDictionary<string, double> Parts) Loss(Tensor batch, long step)
    {
        using var random = Generator.For(options.Seed, Codes, (ulong)step);
        var latent = Model.Encode(batch * 2 - 1);
        if (step == 0) codebook.Take(latent, Model.Codes(latent), random); // codes begin where latents lie
        var codes = Model.Codes(latent);
        var rows = Model.Rows(codes);
        var decoded = Model.Decode(latent + (rows - latent).Detach()); // straight through; by a tape the encoder, which commitment reaches too, would be walked twice
        var pixels = (decoded - (batch * 2 - 1)).Abs().Mean();
        var commitment = (latent - rows).Square().Mean();
        var loss = pixels + commitment * options.CommitmentWeight;
        Dictionary<string, double> parts = new() { ["pixels"] = pixels.Item(), ["commitment"] = commitment.Item() };
        if (features is not null && options.FeatureWeight > 0)
        {
            var distance = features.Between((decoded + 1) / 2, batch).Mean();
            parts["features"] = distance.Item();
            loss = loss + distance * options.FeatureWeight;
        }

        (parts["revived"], parts["perplexity"]) = codebook.Take(latent, codes, random);
        return (loss, parts);
    }
}
