using Obverse.Models;
using Obverse.Torch;

namespace Obverse;

/// <summary>The description of a canvas: an immutable record that a job's JSON holds.</summary>
[Parts("is")]
public abstract record CanvasPlan
{
    /// <summary>Nothing: the needs of a part are no numbers of it.</summary>
    protected virtual bool PrintMembers(System.Text.StringBuilder builder) => false;

    /// <summary>Makes the canvas as it is before the first step.</summary>
    public abstract Canvas Create(CanvasContext context);

    /// <summary>The same with nothing but a size and random numbers, and perhaps a picture [1 or count, 3, height, width] in [0, 1] to begin with.</summary>
    public Canvas Create(long count, long height, long width, Generator random, Tensor? start = null) => Create(new CanvasContext(height, width, random) { Count = count, Start = start });

    /// <summary>The plan for <paramref name="to"/> steps in place of <paramref name="from"/>.</summary>
    public virtual CanvasPlan Stretched(int from, int to) => this;

    /// <summary>Reckons what a step takes for parameters, moments and a rendering of this size with its gradient; a plan that says nothing counts as a dozen pictures.</summary>
    public virtual double BytesPerStep(long height, long width) => 12.0 * 3 * sizeof(float) * height * width;

    /// <summary>Files of weights that the canvas needs (paths, or names of the zoo); a job stores each with its hash.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public virtual IReadOnlyList<string> NeededWeights => [];

    /// <summary>True where it works on a start picture; the picture's embedding is then the target "start".</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public virtual bool NeedsStart => false;
}

/// <summary>All that a canvas may be made from.</summary>
/// <param name="Height">Rows of the picture.</param>
/// <param name="Width">Its columns.</param>
/// <param name="Random">Its random numbers, and by its device the canvas's.</param>
public sealed record CanvasContext(long Height, long Width, Generator Random)
{
    /// <summary>Pictures in the canvas.</summary>
    public long Count { get; init; } = 1;

    /// <summary>The picture to begin with, [1 or count, 3, height, width] in [0, 1]; null: none.</summary>
    public Tensor? Start { get; init; }

    /// <summary>Where the weights lie that a plan names (<see cref="CanvasPlan.NeededWeights"/>): a file's path. A job answers with a file whose hash it has checked.</summary>
    public Func<string, string> WeightsFile { get; init; } = Zoo.WeightsFile;

    public void Deconstruct(out long count, out long height, out long width, out Generator random, out Tensor? start) => (count, height, width, random, start) = (Count, Height, Width, Random, Start);
}
