using Obverse.Torch;

namespace Obverse;

/// <summary>The result of one step. Losses and similarities: one per picture.</summary>
public sealed record Step
{
    /// <summary>From 0.</summary>
    public required int Index { get; init; }

    /// <summary>Steps of the schedule.</summary>
    public required int Count { get; init; }
    public required double[] Losses { get; init; }

    /// <summary>Mean cosine of the first encoder's views to the prompt's direction; none if no objective uses the inversion's views, or there is no prompt.</summary>
    public required double[] Similarities { get; init; }

    public double Loss => Losses.Average();
    public double Similarity => Similarities.Length == 0 ? double.NaN : Similarities.Average();

    internal static Step Of(int index, int count, Tensor losses, Scene scene) => new() { Index = index, Count = count, Losses = Doubles(losses), Similarities = Cosines(scene) };

    private static double[] Cosines(Scene scene)
    {
        if (scene.EncodedSoFar is not [var first, ..] || !first.Targets.Contains(Targets.Prompt)) return [];
        return Doubles((first.Embeddings.Detach() * first.Target(Targets.Prompt).Direction.Unsqueeze(-2)).Sum(-1).Mean(1));
    }

    private static double[] Doubles(Tensor tensor) => [.. tensor.ToFloats().Select(v => (double)v)];
}
