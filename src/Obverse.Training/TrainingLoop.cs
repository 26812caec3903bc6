using System.Diagnostics;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// Lowers a loss with AdamW and a warm-up and cosine rate, averages the weights, logs, and writes checkpoints: killed at any moment, a run goes on from its last one. A step's
/// batch is a function of its number alone.
/// </summary>
internal sealed class TrainingLoop : IDisposable
{
    private readonly LoopOptions options;
    private readonly string name;
    private readonly Func<long, (Tensor Loss, IReadOnlyDictionary<string, double> Parts)> loss;
    private readonly IReadOnlyList<(string Name, Tensor Tensor)> learned; // the gradient's first, then the state
    private readonly List<Tensor> averages = [];
    private readonly (bool IsMatrix, double Factor)[] factors; // of the optimiser's groups
    private readonly Adam optimizer;
    private TimeSpan before;

    /// <param name="name">For messages.</param>
    /// <param name="options">How long and how fast.</param>
    /// <param name="learned">What moves.</param>
    /// <param name="loss">Of the step with this number: one number with its graph, and the parts to log; called inside a <see cref="TensorScope"/>.</param>
    /// <param name="state">What moves by other means, and belongs to a checkpoint and to the averages as the weights do.</param>
    public TrainingLoop(string name, LoopOptions options, IEnumerable<KeyValuePair<string, Tensor>> learned, Func<long, (Tensor Loss, IReadOnlyDictionary<string, double> Parts)> loss, IEnumerable<KeyValuePair<string, Tensor>>? state = null)
    {
        if (options.Steps is null && options.Minutes is null) throw new ArgumentException($"{name}: neither steps nor minutes say how long", nameof(options));
        KeyValuePair<string, Tensor>[] moved = [.. learned];
        (this.name, this.options, this.loss, this.learned) = (name, options, loss, [.. moved.Concat(state ?? []).Select(l => (l.Key, l.Value))]);
        foreach (var (_, tensor) in moved) tensor.RequiresGrad = true;
        factors = [.. moved.Select(l => (IsMatrix: l.Value.Dims > 1, Factor: options.RateOf(l.Key))).Distinct().OrderByDescending(g => g.IsMatrix)];
        optimizer = new Adam([.. factors.Select(g => new ParameterGroup(g.IsMatrix ? "matrices" : "vectors", [.. moved.Where(l => l.Value.Dims > 1 == g.IsMatrix && options.RateOf(l.Key) == g.Factor).Select(l => l.Value)], options.Rate) { WeightDecay = g.IsMatrix ? options.WeightDecay : 0 })], beta2: options.Beta2, decoupled: true);
        if (options.Average > 0) averages.AddRange(this.learned.Select(l => l.Tensor.OwnedCopy()));
    }

    /// <summary>Updates taken, those before an interruption included.</summary>
    public long Step { get; private set; }

    /// <summary>The result as it stands: averaged weights by name.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Averages => learned.Select((l, i) => KeyValuePair.Create(l.Name, averages.Count > 0 ? averages[i] : l.Tensor));

    /// <summary>One update; the loss and its parts.</summary>
    public (double Loss, IReadOnlyDictionary<string, double> Parts) TakeStep(double rate)
    {
        using var scope = new TensorScope();
        optimizer.ZeroGrad();
        for (var i = 0; i < factors.Length; i++) optimizer.Groups[i].Rate = rate * factors[i].Factor;
        var (value, parts) = loss(Step);
        if (value.Item() is var number && !double.IsFinite(number)) throw new InvalidOperationException($"{name}: the loss of update {Step} is {number}; a smaller rate than {options.Rate} may help");
        value.Backward();
        optimizer.ClipNorm(options.ClipNorm);
        optimizer.Step();
        Step++;
        using var still = new NoGrad();
        var keep = Math.Min(options.Average, (1.0 + Step) / (10 + Step));
        for (var i = 0; i < averages.Count; i++) averages[i].LerpInPlace(learned[i].Tensor, 1 - keep);
        return (number, parts);
    }

    /// <summary>Trains to the end, or until <paramref name="cancel"/> asks to stop, which leaves a checkpoint. The averaged weights are then in place.</summary>
    /// <param name="folder">Where <c>checkpoint.safetensors</c> and <c>log.csv</c> are written; null writes none.</param>
    /// <param name="progress">Called every <see cref="LoopOptions.LogEvery"/> updates.</param>
    /// <param name="saved">Called after each checkpoint, to write the model as it stands.</param>
    /// <param name="cancel">Stops after the update at hand.</param>
    /// <returns>True where the run is finished.</returns>
    public bool Run(string? folder, Action<PretrainingStep>? progress = null, Action? saved = null, CancellationToken cancel = default)
    {
        using var process = new TrainingProcess(options.Threads);
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

        var (written, lastStep, lastElapsed, total) = (before, Step, before, 0.0);
        Dictionary<string, double> sums = [];
        while (Fraction() is var fraction && fraction < 1)
        {
            if (cancel.IsCancellationRequested)
            {
                Save();
                return false;
            }

            var rate = RateAt(fraction);
            var (value, parts) = TakeStep(rate);
            process.AfterStep();
            total += value;
            foreach (var (part, number) in parts) sums[part] = sums.GetValueOrDefault(part) + number;
            if (Step % options.LogEvery == 0)
            {
                var (elapsed, steps) = (Elapsed(), Step - lastStep);
                var report = new PretrainingStep(Step, Fraction(), elapsed, Fraction() > 0 ? elapsed * ((1 - Fraction()) / Fraction()) : null, total / steps, sums.ToDictionary(p => p.Key, p => p.Value / steps), steps * options.Batch / (elapsed - lastElapsed).TotalSeconds);
                log?.Write(report, rate);
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
        using var still = new NoGrad();
        for (var i = 0; i < averages.Count; i++) learned[i].Tensor.CopyInPlace(averages[i]);
        return true;
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

    private double RateAt(double fraction) => options.Rate * (Step < options.Warmup ? (Step + 1.0) / options.Warmup : options.Floor + (1 - options.Floor) * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, fraction))));
}
