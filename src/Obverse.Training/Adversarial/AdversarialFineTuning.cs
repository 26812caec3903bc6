using System.Diagnostics;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>One batch of clean pictures [n, 3, s, s] in 0 … 1, and their captions where the objective wants them: normalised embeddings [n, D] and groups.</summary>
public sealed record RobustBatch(Tensor Images, Tensor? Texts = null, IReadOnlyList<string>? Groups = null);

/// <summary>
/// Adversarial fine-tuning of a CLIP's picture side (spec clipag.md 4.1, zoo.md 8.4): perturb each batch so that the loss is as high as it gets within eps, then lower it
/// there. The text tower and the temperature are frozen, batch norms keep their statistics. Killed at any moment, it goes on from its last checkpoint.
/// </summary>
public sealed class AdversarialFineTuning : IDisposable
{
    private const ulong StartRandom = 300;
    private readonly AdversarialOptions options;
    private readonly RobustTower student;
    private readonly RobustTower? teacher;
    private readonly IReadOnlyList<(string Name, Tensor Tensor)> learned;
    private readonly List<Tensor> averages = [];
    private readonly Adam optimizer;
    private TimeSpan before;

    /// <param name="options">How.</param>
    /// <param name="student">What learns; its model was loaded to be trained.</param>
    /// <param name="teacher">The model as it was; null where only captions are asked for.</param>
    public AdversarialFineTuning(AdversarialOptions options, RobustTower student, RobustTower? teacher = null)
    {
        if (options.Steps is null && options.Minutes is null) throw new ArgumentException("adversarial training: neither steps nor minutes say how long", nameof(options));
        (this.options, this.student, this.teacher, learned) = (options, student, teacher, [.. student.Parameters.Select(p => (p.Key, p.Value))]);
        foreach (var (_, tensor) in learned) tensor.RequiresGrad = true;
        // Decay on all tensors, biases and norms too, as AdamW does by default (clipag.md, last lines).
        optimizer = new Adam([new("picture side", [.. learned.Select(l => l.Tensor)], options.Rate) { WeightDecay = options.WeightDecay }], decoupled: true);
        if (options.Average > 0) averages.AddRange(learned.Select(l => l.Tensor.OwnedCopy()));
    }

    /// <summary>Updates taken, those before an interruption included.</summary>
    public long Step { get; private set; }

    /// <summary>One update from as many batches as are given: attack, loss, gradients added up, AdamW.</summary>
    /// <returns>Mean loss under attack, and how often the attacked pictures kept their class (NaN for captions alone).</returns>
    public (double Loss, double Agreement) TakeStep(IReadOnlyList<RobustBatch> batches, double fraction)
    {
        optimizer.ZeroGrad();
        optimizer.Groups[0].Rate = options.RateAt(fraction);
        var (total, agreement) = (0.0, 0.0);
        for (var b = 0; b < batches.Count; b++)
        {
            using var scope = new TensorScope();
            using var fast = new Autocast(options.BFloat16);
            var batch = batches[b];
            var loss = new RobustLoss(options, student, teacher, batch.Images, batch.Texts, batch.Groups);
            var attack = options.Attack(fraction);
            using var random = Generator.For(options.Seed, StartRandom, (ulong)(Step * batches.Count + b));
            var attacked = attack.Eps > 0 ? Attacks.Pgd(loss.Of, batch.Images, attack, options.RandomStart ? Attacks.RandomStart(batch.Images, attack.Eps, random) : null) : batch.Images;
            var mean = loss.Of(attacked).Mean();
            (mean / batches.Count).Backward();
            total += mean.Item() / batches.Count;
            agreement += (loss.Agreement ?? double.NaN) / batches.Count;
        }

        if (!double.IsFinite(total)) throw new InvalidOperationException($"adversarial training: the loss of update {Step} is {total}; a smaller rate than {options.Rate} may help");
        optimizer.Step();
        Step++;
        using var still = new NoGrad();
        var keep = Math.Min(options.Average, (1.0 + Step) / (10 + Step));
        for (var i = 0; i < averages.Count; i++) averages[i].LerpInPlace(learned[i].Tensor, 1 - keep);
        return (total, agreement);
    }

    /// <summary>Trains to the end, or until <paramref name="cancel"/> asks to stop, which leaves a checkpoint. The averaged weights are then in place.</summary>
    /// <param name="batch">The b-th batch of the run; called inside a <see cref="TensorScope"/>.</param>
    /// <param name="folder">Where <c>checkpoint.safetensors</c> and <c>log.csv</c> are written; null writes none.</param>
    /// <param name="progress">Called every <see cref="AdversarialOptions.LogEvery"/> updates.</param>
    /// <param name="cancel">Stops after the update at hand.</param>
    /// <returns>True where the run is finished, false where it was stopped.</returns>
    public bool Run(Func<long, RobustBatch> batch, string? folder = null, Action<PretrainingStep>? progress = null, CancellationToken cancel = default)
    {
        using var process = new TrainingProcess(options.Threads);
        var checkpoint = folder is null ? null : Path.Combine(folder, "checkpoint.safetensors");
        if (checkpoint is not null)
        {
            Directory.CreateDirectory(folder!);
            Load(checkpoint);
        }

        using var log = folder is null ? null : PretrainingLog.Open(Path.Combine(folder, "log.csv"), Step);
        var watch = Stopwatch.StartNew();
        TimeSpan Elapsed() => before + watch.Elapsed;
        double Fraction() => Math.Max(options.Steps is { } steps ? Step / (double)steps : 0, options.Minutes is { } minutes ? Elapsed().TotalMinutes / minutes : 0);
        var (saved, lastStep, lastElapsed, losses, agreements) = (before, Step, before, 0.0, 0.0);
        while (Fraction() is var fraction && fraction < 1)
        {
            if (cancel.IsCancellationRequested)
            {
                if (checkpoint is not null) Save(checkpoint, Elapsed());
                return false;
            }

            using (new TensorScope())
            {
                var (loss, agreement) = TakeStep([.. Enumerable.Range(0, options.Accumulate).Select(i => batch(Step * options.Accumulate + i))], fraction);
                losses += loss;
                agreements += agreement;
            }

            process.AfterStep();
            if (Step % options.LogEvery == 0)
            {
                var (elapsed, steps) = (Elapsed(), Step - lastStep);
                Dictionary<string, double> parts = new() { ["loss"] = losses / steps };
                if (!double.IsNaN(agreements)) parts["agreement"] = agreements / steps;
                parts["eps"] = options.Attack(fraction).Eps;
                var report = new PretrainingStep(Step, Fraction(), elapsed, Fraction() > 0 ? elapsed * ((1 - Fraction()) / Fraction()) : null, losses / steps, parts, steps * options.Accumulate * options.Batch / (elapsed - lastElapsed).TotalSeconds);
                log?.Write(report, optimizer.Groups[0].Rate);
                progress?.Invoke(report);
                (lastStep, lastElapsed, losses, agreements) = (Step, elapsed, 0, 0);
            }

            if (checkpoint is not null && Elapsed() - saved > TimeSpan.FromMinutes(options.CheckpointMinutes))
            {
                Save(checkpoint, Elapsed());
                saved = Elapsed();
            }
        }

        if (checkpoint is not null) Save(checkpoint, Elapsed());
        TakeAverage();
        return true;
    }

    /// <summary>Puts the averaged weights in the place of the last ones.</summary>
    public void TakeAverage()
    {
        using var still = new NoGrad();
        for (var i = 0; i < averages.Count; i++) learned[i].Tensor.CopyInPlace(averages[i]);
    }

    public void Dispose()
    {
        foreach (var (_, tensor) in learned)
        {
            tensor.Grad = null;
            tensor.RequiresGrad = false;
        }

        optimizer.Dispose();
        foreach (var average in averages) average.Dispose();
    }

    private void Save(string path, TimeSpan elapsed) => TrainingCheckpoint.Save(path, learned, averages, optimizer, Step, elapsed, options.Essence.ToJson());

    private void Load(string path) => (Step, before) = TrainingCheckpoint.Load(path, learned, averages, optimizer, options.Essence.ToJson());
}
