using Obverse.Torch;

namespace Obverse;

/// <summary>
/// One augmentation: an immutable description that prints itself and is stored as JSON. Its randomness is drawn first and applied after,
/// so that a recorded draw can be applied again. Pictures are [count, 3, height, width], RGB.
/// </summary>
[Parts("view")]
public abstract record View
{
    /// <summary>Random numbers for <paramref name="count"/> pictures of height x width pixels: named tensors whose first dimension is count.</summary>
    public abstract ViewParameters Sample(Generator random, long count, long height, long width);

    /// <summary>Applies them: [count, 3, height, width] to [count, 3, h', w'].</summary>
    public abstract Tensor Apply(Tensor images, ViewParameters parameters);

    /// <summary>The size that a picture of height x width has afterwards.</summary>
    public virtual (long Height, long Width) SizeOf(long height, long width) => (height, width);

    /// <summary>False if all views of a picture come out equal: a chain then applies it once, before repeating the picture.</summary>
    protected internal virtual bool IsRandom => true;
}

/// <summary>A range of numbers, both ends included.</summary>
public readonly record struct Interval(double Low, double High)
{
    /// <summary>-size … size.</summary>
    public static Interval Around0(double size) => new(-size, size);

    /// <summary>1 - size … 1 + size, never below 0.</summary>
    public static Interval Around1(double size) => new(Math.Max(0, 1 - size), 1 + size);

    public override string ToString() => Low == High ? $"{Low}" : $"{Low} … {High}";

    internal Tensor Draw(Generator random, params ReadOnlySpan<long> shape) =>
        High >= Low ? random.Uniform(Low, High, shape) : throw new ArgumentException($"a range was given as {Low} … {High}; wanted the lower end first");
}
