using System.Diagnostics;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>Steps, reports and checkpoints.</summary>
public sealed partial class ClipPretraining
{
    /// <summary>Trains to the end, or until <paramref name="cancel"/> asks to stop, which leaves a checkpoint. The averaged weights are then in place.</summary>
    /// <param name="folder">Where <c>checkpoint.safetensors</c> and <c>log.csv</c> are written; null writes none.</param>
    /// <param name="progress">Called every <see cref="ClipPretrainingOptions.LogEvery"/> steps.</param>
    /// <param name="cancel">Stops after the step at hand.</param>
    /// <returns>True where the run is finished, false where it was stopped.</returns>
    public bool Run(string? folder = null, Action<PretrainingStep>? progress = null, CancellationToken cancel = default)
    {
        using var process = new TrainingProcess(options.Threads);
        if (folder is not null)
        {
            Directory.CreateDirectory(folder);
            Load(Path.Combine(folder, "checkpoint.safetensors"));
        }

        using var log = folder is null ? null : PretrainingLog.Open(Path.Combine(folder, "log.csv"), Step);
        var (watch, lastSaved, lastStep, lastElapsed, lastStrings) = (Stopwatch.StartNew(), before, Step, before, 0L);
        Dictionary<string, double> sums = [];
        TimeSpan Elapsed() => before + watch.Elapsed;
        while (Fraction(Elapsed()) is var fraction && fraction < 1)
        {
            if (cancel.IsCancellationRequested)
            {
                if (folder is not null) Save(Path.Combine(folder, "checkpoint.safetensors"), Elapsed());
                return false;
            }

            lastStrings += TakeStep(fraction, sums);
            Step++;
            process.AfterStep();
            if (Step % options.LogEvery == 0)
            {
                var elapsed = Elapsed();
                var steps = Step - lastStep;
                var parts = sums.ToDictionary(pair => pair.Key, pair => pair.Value / steps);
                var now = Fraction(elapsed);
                var report = new PretrainingStep(Step, now, elapsed, now > 0 ? elapsed * ((1 - now) / now) : null, parts["loss"], parts, lastStrings / (elapsed - lastElapsed).TotalSeconds);
                log?.Write(report, optimizer.Groups[0].Rate);
                progress?.Invoke(report);
                sums.Clear();
                (lastStep, lastElapsed, lastStrings) = (Step, elapsed, 0);
            }

            if (folder is not null && Elapsed() - lastSaved > TimeSpan.FromMinutes(options.CheckpointMinutes))
            {
                Save(Path.Combine(folder, "checkpoint.safetensors"), Elapsed());
                lastSaved = Elapsed();
            }
        }

        if (folder is not null) Save(Path.Combine(folder, "checkpoint.safetensors"), Elapsed());
        TakeAverage();
        return true;
    }

    /// <summary>Puts the averaged weights in the place of the last ones; a checkpoint is written before, never after.</summary>
    public void TakeAverage()
    {
        using var still = new NoGrad();
        for (var i = 0; i < averages.Count; i++) learned[i].Tensor.CopyInPlace(averages[i]);
    }

    private double Fraction(TimeSpan elapsed) => Math.Max(options.Steps is { } steps ? Step / (double)steps : 0, options.Minutes is { } minutes ? elapsed.TotalMinutes / minutes : 0);

    private double RateFactor(double fraction) => Step < options.Warmup ? (Step + 1.0) / options.Warmup : 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, fraction)));

    private long TakeStep(double fraction, Dictionary<string, double> sums)
    {
        using var scope = new TensorScope();
        var factor = RateFactor(fraction);
        optimizer.Groups[0].Rate = optimizer.Groups[1].Rate = options.Rate * factor;
        optimizer.Groups[2].Rate = options.ProjectionRate * factor;
        var (loss, parts, count) = Loss(Step);
        optimizer.ZeroGrad();
        loss.Backward();
        parts["norm"] = optimizer.ClipNorm(options.ClipNorm);
        parts["loss"] = loss.Item();
        if (!double.IsFinite(parts["loss"])) throw new InvalidOperationException($"pretraining: the loss of step {Step} is {parts["loss"]}; a smaller rate than {options.Rate} may help");
        optimizer.Step();
        using (new NoGrad())
        {
            logitScale.ClampInPlace(0, Math.Log(100)); // Radford et al. 2021, 2.5
            // A short memory at first, or the average would remember the noise that the weights began as.
            var keep = Math.Min(options.Average, (1.0 + Step) / (10 + Step));
            for (var i = 0; i < averages.Count; i++) averages[i].LerpInPlace(learned[i].Tensor, 1 - keep);
        }

        foreach (var (name, value) in parts) sums[name] = sums.GetValueOrDefault(name) + value;
        return count;
    }

    private void Save(string path, TimeSpan elapsed) => TrainingCheckpoint.Save(path, learned, averages, optimizer, Step, elapsed, options.Essence.ToJson());

    private void Load(string path) => (Step, before) = TrainingCheckpoint.Load(path, learned, averages, optimizer, options.Essence.ToJson());
}
