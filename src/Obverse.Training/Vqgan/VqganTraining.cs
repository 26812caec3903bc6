using System.Diagnostics;
using Obverse.Evaluation;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// Trains a VQGAN on the views of a picture set: pixels, features of an image tower and commitment (spec canvases.md 5.5; no discriminator). Killed at any moment, it goes on from its last
/// checkpoint with the same batches; every checkpoint writes the model as it stands.
/// </summary>
public sealed class VqganTraining : IDisposable
{
    private const ulong Inits = 500, Order = 501, Codes = 502;

    private readonly VqganOptions options;
    private readonly FeatureDistance? features;
    private readonly CodebookAverages codebook;
    private readonly List<(string Name, Tensor Tensor)> learned;
    private readonly List<Tensor> averages = [];
    private readonly Adam optimizer;
    private TimeSpan before;

    /// <param name="options">How.</param>
    /// <param name="features">The image tower of the loss; null: pixels alone.</param>
    public VqganTraining(VqganOptions options, FeatureDistance? features = null)
    {
        if (options.Steps is null && options.Minutes is null) throw new ArgumentException("VQGAN training: neither steps nor minutes say how long", nameof(options));
        (this.options, this.features) = (options, features);
        using var random = Generator.For(options.Seed, Inits);
        Model = TensorScope.Unscoped(() => new Vqgan(Weights.New(random), options.Config));
        codebook = new(Model.Codebook, options.CodeDecay, options.DeadShare);
        Tensor[] moved = [.. Model.Parameters.Values.Where(tensor => !ReferenceEquals(tensor, Model.Codebook))];
        foreach (var tensor in moved) tensor.RequiresGrad = true;
        learned = [.. Model.Parameters.Concat(codebook.State).Select(pair => (pair.Key, pair.Value))];
        optimizer = new Adam([new("matrices", [.. moved.Where(t => t.Dims > 1)], options.Rate) { WeightDecay = options.WeightDecay }, new("vectors", [.. moved.Where(t => t.Dims <= 1)], options.Rate)], beta2: 0.99, decoupled: true);
        if (options.Average > 0) averages.AddRange(learned.Select(l => l.Tensor.OwnedCopy()));
    }

    /// <summary>What learns; at the end the averaged weights.</summary>
    public Vqgan Model { get; }

    /// <summary>Updates taken, those before an interruption included.</summary>
    public long Step { get; private set; }

    /// <summary>One update from a batch [n, 3, s, s] in [0, 1]; the loss and its parts.</summary>
    public (double Loss, IReadOnlyDictionary<string, double> Parts) TakeStep(Tensor batch, double fraction)
    {
        using var scope = new TensorScope();
        using var random = Generator.For(options.Seed, Codes, (ulong)Step);
        foreach (var group in optimizer.Groups) group.Rate = RateAt(fraction);
        optimizer.ZeroGrad();
        var latent = Model.Encode(batch * 2 - 1);
        if (Step == 0) codebook.Take(latent, Model.Codes(latent), random); // codes begin where latents lie
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

        var value = loss.Item();
        if (!double.IsFinite(value)) throw new InvalidOperationException($"VQGAN training: the loss of update {Step} is {value}; a smaller rate than {options.Rate} may help");
        loss.Backward();
        optimizer.ClipNorm(options.ClipNorm);
        optimizer.Step();
        (parts["revived"], parts["perplexity"]) = codebook.Take(latent, codes, random);
        Step++;
        using var still = new NoGrad();
        var keep = Math.Min(options.Average, (1.0 + Step) / (10 + Step));
        for (var i = 0; i < averages.Count; i++) averages[i].LerpInPlace(learned[i].Tensor, 1 - keep);
        return (value, parts);
    }

    /// <summary>Trains to the end, or until <paramref name="cancel"/> asks to stop, which leaves a checkpoint. The averaged weights are then in place.</summary>
    /// <param name="pictures">A picture set.</param>
    /// <param name="folder">Where <c>checkpoint.safetensors</c> and <c>log.csv</c> are written; null writes none.</param>
    /// <param name="progress">Called every <see cref="VqganOptions.LogEvery"/> updates.</param>
    /// <param name="saved">Called after each checkpoint.</param>
    /// <param name="cancel">Stops after the update at hand.</param>
    /// <returns>True where the run is finished.</returns>
    public bool Run(PictureSet pictures, string? folder = null, Action<PretrainingStep>? progress = null, Action? saved = null, CancellationToken cancel = default)
    {
        var threads = Runtime.Threads;
        Runtime.Threads = options.Threads;
        try
        {
            var views = new PictureViews(pictures, "pocket-vqgan", options.Seed, new() { Photos = 1, Drawings = 2, Compositions = 0, PhotosPerClass = 200 });
            var order = new ShuffledSampler(views.Count, options.Seed, Order);
            var checkpoint = folder is null ? null : Path.Combine(folder, "checkpoint.safetensors");
            if (checkpoint is not null)
            {
                Directory.CreateDirectory(folder!);
                (Step, before) = TrainingCheckpoint.Load(checkpoint, learned, averages, optimizer, options.Essence.ToJson());
            }

            using var log = folder is null ? null : PretrainingLog.Open(Path.Combine(folder, "log.csv"), Step);
            var watch = Stopwatch.StartNew();
            TimeSpan Elapsed() => before + watch.Elapsed;
            double Fraction() => Math.Max(options.Steps is { } steps ? Step / (double)steps : 0, options.Minutes is { } minutes ? Elapsed().TotalMinutes / minutes : 0);
            void Save()
            {
                if (checkpoint is null) return;
                TrainingCheckpoint.Save(checkpoint, learned, averages, optimizer, Step, Elapsed(), options.Essence.ToJson());
                saved?.Invoke();
            }

            Task<byte[][]> Rendered(long step) => Task.Run(() => Array.ConvertAll(order.Batch(step, options.Batch), view => views.Render(view, options.Side).Rgb));
            var next = Rendered(Step);
            var (written, lastStep, lastElapsed, total) = (before, Step, before, 0.0);
            Dictionary<string, double> sums = [];
            while (Fraction() is var fraction && fraction < 1)
            {
                if (cancel.IsCancellationRequested)
                {
                    Save();
                    return false;
                }

                using (new TensorScope())
                {
                    var batch = PictureBatches.ToTensor(next.GetAwaiter().GetResult(), options.Side);
                    next = Rendered(Step + 1);
                    var (value, parts) = TakeStep(batch, fraction);
                    total += value;
                    foreach (var (part, number) in parts) sums[part] = sums.GetValueOrDefault(part) + number;
                }

                if (Step % options.LogEvery == 0)
                {
                    var (elapsed, steps, done) = (Elapsed(), Step - lastStep, Fraction());
                    var report = new PretrainingStep(Step, done, elapsed, done > 0 ? elapsed * ((1 - done) / done) : null, total / steps, sums.ToDictionary(p => p.Key, p => p.Value / steps), steps * options.Batch / (elapsed - lastElapsed).TotalSeconds);
                    log?.Write(report, optimizer.Groups[0].Rate);
                    progress?.Invoke(report);
                    (lastStep, lastElapsed, total) = (Step, elapsed, 0);
                    sums.Clear();
                }

                if (Elapsed() - written > TimeSpan.FromMinutes(options.CheckpointMinutes))
                {
                    Save();
                    written = Elapsed();
                }
            }

            Save();
            TakeAverage();
            return true;
        }
        finally { Runtime.Threads = threads; }
    }

    /// <summary>Puts the averaged weights in the place of the last ones.</summary>
    public void TakeAverage()
    {
        using var still = new NoGrad();
        for (var i = 0; i < averages.Count; i++) learned[i].Tensor.CopyInPlace(averages[i]);
    }

    /// <summary>Writes the averaged weights, in 16 bits.</summary>
    public void Save(string path)
    {
        using var scope = new TensorScope();
        var names = Model.Parameters.Keys.ToHashSet();
        Safetensors.Save(path, learned.Select((l, i) => KeyValuePair.Create(l.Name, (averages.Count > 0 ? averages[i] : l.Tensor).Detach())).Where(pair => names.Contains(pair.Key)).Select(pair => KeyValuePair.Create(pair.Key, pair.Value.Dims > 1 ? pair.Value.To(DType.Float16) : pair.Value)));
    }

    public void Dispose()
    {
        foreach (var (_, tensor) in learned) tensor.Grad = null;
        optimizer.Dispose();
        codebook.Dispose();
        foreach (var average in averages) average.Dispose();
        Model.Dispose();
    }

    private double RateAt(double fraction) => options.Rate * (Step < options.Warmup ? (Step + 1.0) / options.Warmup : 0.02 + 0.98 * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, fraction))));
}
