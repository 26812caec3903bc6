using Obverse.Torch;

namespace Obverse;

/// <summary>
/// torchvision's RandomPerspective on a tensor: each corner moves inwards by whole pixels, and what is outside takes a colour (canvases 5.4).
/// Parameters: end, [count, 4, 2] int64, the corners' new places (x, y), from the top left clockwise; on, [count].
/// </summary>
[Part("perspective")]
public sealed record PerspectiveView : View
{
    /// <summary>Part of half a side by which a corner may move.</summary>
    [Limit(0, 1)]
    public double Strength { get; init; } = 0.5;
    public double Fill { get; init; }
    [Limit(0, 1)]
    public double Probability { get; init; } = 1;

    public override ViewParameters Sample(Generator random, long count, long height, long width)
    {
        var (x, y) = ((long)(Strength * (width / 2)), (long)(Strength * (height / 2)));
        Tensor Near(long most) => random.Integers(0, most + 1, count, 4);
        var inwards = Tensor.Stack([Near(x), Near(y)], 2); // [count, 4, 2]
        var sign = Tensor.From([1L, 1, -1, 1, -1, -1, 1, -1], 4, 2);
        var corners = Tensor.From(Corners.Of(height, width), 4, 2).To(DType.Int64);
        return new ViewParameters { ["end"] = inwards.To(Device.Cpu) * sign + corners }.Sometimes(random, Probability, count);
    }

    public override Tensor Apply(Tensor images, ViewParameters parameters)
    {
        var corners = Corners.Of(images.Size(2), images.Size(3));
        // Fitted on pixel numbers, looked up half a pixel further: torchvision's _perspective_grid, kept.
        var (forth, back) = (Matrix3.Translation(0.5, 0.5), Matrix3.Translation(-0.5, -0.5));
        return Warp.Onto(images, Corners.Each(parameters, "end", images.Size(0), end => back * Matrix3.Homography(end, corners) * forth), Fill);
    }
}

/// <summary>
/// kornia's RandomPerspective: corners move inwards by fractions of a pixel, zeros outside (canvases 5.7).
/// Parameters: start and end, [count, 4, 2], corners (x, y) from the top left clockwise; on, [count].
/// </summary>
[Part("kornia-perspective")]
public sealed record KorniaPerspectiveView : View
{
    /// <summary>Part of half a side by which a corner may move.</summary>
    [Limit(0, 1)]
    public double Strength { get; init; } = 0.5;
    [Limit(0, 1)]
    public double Probability { get; init; } = 1;

    public override ViewParameters Sample(Generator random, long count, long height, long width)
    {
        var corners = Tensor.From(Corners.Of(height, width), 1, 4, 2).To(random.Device, DType.Float32).Expand(count, 4, 2);
        var most = Tensor.From([1.0, 1, -1, 1, -1, -1, 1, -1], 4, 2) * Tensor.From([Strength * width / 2, Strength * height / 2]);
        return new ViewParameters { ["start"] = corners, ["end"] = corners + random.Uniform(0, 1, count, 4, 2) * most.To(random.Device, DType.Float32) }.Sometimes(random, Probability, count);
    }

    public override Tensor Apply(Tensor images, ViewParameters parameters) => Warp.By(images, [.. Matrices(parameters, images.Size(0)).Select(m => m.Inverse())], Border.Zeros);

    /// <summary>One matrix a picture, source pixel to output pixel.</summary>
    public static Matrix3[] Matrices(ViewParameters parameters, long count)
    {
        var start = parameters.Numbers("start");
        var i = 0;
        return Corners.Each(parameters, "end", count, end => Matrix3.Homography(start.AsSpan(8 * i++, 8), end));
    }
}

internal static class Corners
{
    /// <summary>x, y of a picture's corners, from the top left clockwise, in pixels.</summary>
    public static double[] Of(long height, long width) => [0, 0, width - 1, 0, width - 1, height - 1, 0, height - 1];

    /// <summary>A matrix for each picture's four corners; the identity where the picture is not touched.</summary>
    public static Matrix3[] Each(ViewParameters parameters, string name, long count, Func<double[], Matrix3> matrix)
    {
        var (corners, on) = (parameters.Numbers(name), parameters.On(count));
        return [.. Enumerable.Range(0, (int)count).Select(i => matrix(corners[(8 * i)..(8 * i + 8)]) is var m && on[i] ? m : Matrix3.Identity)];
    }
}
