using System.Text.Json.Serialization;
using Obverse.Torch;

namespace Obverse;

/// <summary>
/// Rotation, translation, scale and shear about the centre in one matrix and one bilinear look-up, as kornia's RandomAffine does them.
/// Parameters: angle, shear_x, shear_y in degrees, tx, ty in pixels, scale, on; each [count].
/// </summary>
[Part("affine")]
public sealed record AffineView : View
{
    internal static readonly Interval One = new(1, 1);

    /// <summary>Degrees; positive turns the displayed picture clockwise.</summary>
    [Limit(-360, 360)]
    public Interval Angle { get; init; }

    /// <summary>Largest shift along x, a fraction of the width.</summary>
    [Limit(0, 1)]
    public double TranslateX { get; init; }

    /// <summary>Largest shift along y, a fraction of the height.</summary>
    [Limit(0, 1)]
    public double TranslateY { get; init; }
    [Limit(0.01, 100)]
    public Interval Scale { get; init; } = One;

    /// <summary>Degrees.</summary>
    [Limit(-89, 89)]
    public Interval ShearX { get; init; }

    /// <summary>Degrees.</summary>
    [Limit(-89, 89)]
    public Interval ShearY { get; init; }

    [JsonConverter(typeof(EitherSpelling<Border>))]
    public Border Border { get; init; } = Border.Clamp;

    /// <summary>How likely each picture is touched.</summary>
    [Limit(0, 1)]
    public double Probability { get; init; } = 1;

    public override ViewParameters Sample(Generator random, long count, long height, long width) => new ViewParameters
    {
        ["angle"] = Angle.Draw(random, count),
        ["tx"] = Interval.Around0(TranslateX * width).Draw(random, count),
        ["ty"] = Interval.Around0(TranslateY * height).Draw(random, count),
        ["scale"] = Scale.Draw(random, count),
        ["shear_x"] = ShearX.Draw(random, count),
        ["shear_y"] = ShearY.Draw(random, count),
    }.Sometimes(random, Probability, count);

    public override Tensor Apply(Tensor images, ViewParameters parameters) => Warp.By(images, [.. Matrices(parameters, images.Size(0), images.Size(2), images.Size(3)).Select(m => m.Inverse())], Border);

    /// <summary>One matrix a picture, source pixel to output pixel. A scale that was not drawn is 1.</summary>
    public static Matrix3[] Matrices(ViewParameters parameters, long count, long height, long width)
    {
        var (angle, tx, ty, x, y, on) = (parameters.Numbers("angle", count), parameters.Numbers("tx", count), parameters.Numbers("ty", count), parameters.Numbers("shear_x", count), parameters.Numbers("shear_y", count), parameters.On(count));
        var scale = parameters.ContainsKey("scale") ? parameters.Numbers("scale", count) : [.. Enumerable.Repeat(1.0, (int)count)];
        return [.. Enumerable.Range(0, (int)count).Select(i => on[i] ? Matrix3.Affine(angle[i], tx[i], ty[i], scale[i], x[i], y[i], height, width) : Matrix3.Identity)];
    }
}
