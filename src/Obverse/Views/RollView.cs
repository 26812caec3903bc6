using Obverse.Torch;

namespace Obverse;

/// <summary>Shifts by whole pixels with wrap-around, each picture by its own (DAS, pixel-baselines 3.2). Parameters: dy along rows, dx along columns, [count] int64.</summary>
[Part("roll")]
public sealed record RollView : View
{
    /// <summary>Largest shift along each axis, in pixels.</summary>
    [Limit(0, 8192)]
    public int Pixels { get; init; }

    public override ViewParameters Sample(Generator random, long count, long height, long width) =>
        new() { ["dy"] = random.Integers(-Pixels, Pixels + 1, count), ["dx"] = random.Integers(-Pixels, Pixels + 1, count) };

    public override Tensor Apply(Tensor images, ViewParameters parameters)
    {
        var (dy, dx) = (parameters.Integers("dy", images.Size(0)), parameters.Integers("dx", images.Size(0)));
        return Pieces.Each(images, (one, i) => one.Roll([dy[i], dx[i]], [2, 3]));
    }
}
