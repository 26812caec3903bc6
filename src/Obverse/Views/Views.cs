using Obverse.Torch;

namespace Obverse;

/// <summary>How a picture is looked at: a chain of views, each drawn anew for every one of <see cref="Copies"/> copies.</summary>
public sealed partial record Views
{
    public int Copies { get; init; } = 1;
    public IReadOnlyList<View> Chain { get; init; } = [];

    /// <summary>True: the embeddings of the copies are averaged on the sphere before the objective sees them (implicit-inversion 2.6). False: the losses are.</summary>
    public bool IsAveraged { get; init; }

    /// <summary>One copy, nothing done.</summary>
    public static Views Plain { get; } = new();

    public static Views Of(int copies) => new() { Copies = copies > 0 ? copies : throw new ArgumentOutOfRangeException(nameof(copies), copies, "Views.Of: wanted at least one copy") };

    /// <summary>[n, 3, h, w] to [n * Copies, 3, h', w']; the copies of one picture lie next to each other.</summary>
    public Tensor Apply(Tensor images, Generator random) => Apply(images, Draw(random, images.Size(0), images.Size(2), images.Size(3)));

    /// <summary>The same with draws made before, one entry a view.</summary>
    public Tensor Apply(Tensor images, IReadOnlyList<Draws> draws)
    {
        if (draws.Count != Chain.Count) throw new ArgumentException($"Views.Apply: {draws.Count} draws given, the chain has {Chain.Count} views");
        var copied = Copies == 1;
        for (var i = 0; i < Chain.Count; i++)
        {
            if (!copied && Chain[i].IsRandom) (images, copied) = (images.RepeatInterleave(Copies, 0), true);
            images = Chain[i].Apply(images, draws[i]);
        }

        return copied ? images : images.RepeatInterleave(Copies, 0);
    }

    /// <summary>The random numbers for all copies of <paramref name="pictures"/> pictures of height x width, one entry a view.</summary>
    public IReadOnlyList<Draws> Draw(Generator random, long pictures, long height, long width)
    {
        var draws = new List<Draws>(Chain.Count);
        foreach (var view in Chain)
        {
            draws.Add(view.Draw(random, pictures * Copies, height, width));
            (height, width) = view.SizeOf(height, width);
        }

        return draws;
    }

    /// <summary>The size that a picture of height x width has after the whole chain.</summary>
    public (long Height, long Width) SizeOf(long height, long width)
    {
        foreach (var view in Chain) (height, width) = view.SizeOf(height, width);
        return (height, width);
    }

    public bool Equals(Views? other) => other is not null && Copies == other.Copies && IsAveraged == other.IsAveraged && Chain.SequenceEqual(other.Chain);

    public override int GetHashCode() => Chain.Aggregate(HashCode.Combine(Copies, IsAveraged), HashCode.Combine);

    public override string ToString() => $"{Copies} x {(Chain.Count == 0 ? "plain" : string.Join(", ", Chain))}{(IsAveraged ? ", averaged" : "")}";
}
