namespace Obverse.Torch;

/// <summary>Learning rates over a training run, as factors of the base rate.</summary>
public static class LearningRate
{
    /// <summary>Rises in a line over <paramref name="warmup"/> steps, then half a cosine down to <paramref name="floor"/>.</summary>
    public static double WarmupCosine(long step, long steps, long warmup, double floor = 0) =>
        step < warmup ? (step + 1.0) / warmup : floor + (1 - floor) * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, (step - warmup) / (double)Math.Max(1, steps - warmup))));

    public static double Step(long step, long every, double factor) => Math.Pow(factor, step / every);
}
