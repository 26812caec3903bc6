using Obverse.Torch;

namespace Obverse;

/// <summary>Augmentations: a chain, sampled independently for each of <see cref="Count"/> views of a picture.</summary>
public sealed partial record Views
{
    /// <summary>Augmentations per step.</summary>
    [Limit(1, 1024)]
    public int Count { get; init; } = 1;
    public ValueList<View> Chain { get; init; } = [];

    /// <summary>True: the embeddings of the views are averaged on the sphere before the objective (implicit-inversion 2.6). False: the losses are.</summary>
    public bool IsAveraged { get; init; }

    /// <summary>One view, nothing done.</summary>
    public static Views Plain { get; } = new();

    public static Views Of(int count) => new() { Count = count > 0 ? count : throw new ArgumentOutOfRangeException(nameof(count), count, "Views.Of: wanted at least one view") };

    /// <summary>[n, 3, h, w] to [n * Count, 3, h', w']; the views of one picture lie next to each other.</summary>
    public Tensor Apply(Tensor images, Generator random) => Apply(images, Sample(random, images.Size(0), images.Size(2), images.Size(3)));

    /// <summary>The same with parameters sampled before, one entry a view.</summary>
    /// <exception cref="InvalidOperationException">A view made something else of pictures.</exception>
    public Tensor Apply(Tensor images, IReadOnlyList<ViewParameters> parameters) => TensorScope.Of(() => Applied(images, parameters));

    private Tensor Applied(Tensor images, IReadOnlyList<ViewParameters> parameters)
    {
        if (parameters.Count != Chain.Count) throw new ArgumentException($"Views.Apply: parameters for {parameters.Count} views given, the chain has {Chain.Count} views");
        var copied = Count == 1;
        for (var i = 0; i < Chain.Count; i++)
        {
            if (!copied && Chain[i].IsRandom) (images, copied) = (images.RepeatInterleave(Count, 0), true);
            var count = images.Size(0);
            images = Chain[i].Apply(images, parameters[i]);
            if (images is not { Dims: 4 } || images.Size(0) != count || images.Size(1) != 3) throw new InvalidOperationException($"{Chain[i].GetType().Name}.Apply gave {(images is null ? "null" : $"[{string.Join(", ", images.Shape)}]")}; [{count}, 3, height, width] was wanted");
        }

        return copied ? images : images.RepeatInterleave(Count, 0);
    }

    /// <summary>The random numbers for all views of <paramref name="pictures"/> pictures of height x width, one entry a view.</summary>
    public IReadOnlyList<ViewParameters> Sample(Generator random, long pictures, long height, long width)
    {
        var parameters = new List<ViewParameters>(Chain.Count);
        foreach (var view in Chain)
        {
            parameters.Add(view.Sample(random, pictures * Count, height, width) ?? throw new InvalidOperationException($"{view.GetType().Name}.Sample gave null; parameters were wanted"));
            (height, width) = view.SizeOf(height, width);
        }

        return parameters;
    }

    /// <summary>Embeddings of all views of pictures [count, 3, h, w]: unit length, [count, views, d], or [count, 1, d] where they are averaged.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="images">The pictures.</param>
    /// <param name="random">Of this step and this encoder.</param>
    /// <param name="parameters">Recorded ones in place of random ones; null: none.</param>
    public Tensor Encode(Encoder encoder, Tensor images, Generator random, IReadOnlyList<ViewParameters>? parameters = null)
    {
        var views = parameters is null ? Apply(images, random) : Apply(images, parameters);
        var embeddings = encoder.Embed(views).Reshape(images.Size(0), Count, -1);
        return IsAveraged ? embeddings.Mean(1, keep: true).Normalized() : embeddings; // spec implicit-inversion.md 2.6
    }

    /// <summary>The size that a picture of height x width has after the whole chain.</summary>
    public (long Height, long Width) SizeOf(long height, long width)
    {
        foreach (var view in Chain) (height, width) = view.SizeOf(height, width);
        return (height, width);
    }

    public override string ToString() => $"{Count} x {(Chain.Count == 0 ? "plain" : string.Join(", ", Chain))}{(IsAveraged ? ", averaged" : "")}";
}
