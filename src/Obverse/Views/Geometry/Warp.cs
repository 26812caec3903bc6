using Obverse.Torch;

namespace Obverse;

/// <summary>Looks a picture up at other places, bilinear, with a gradient to the picture.</summary>
public static class Warp
{
    private const double Nearest = 1e-12, Furthest = 1e4; // in halves of a picture: far outside

    /// <summary>Output pixel p of picture i takes the source at <c>toSource[i]</c> p, both in pixels. [n, c, h, w], n matrices.</summary>
    public static Tensor By(Tensor images, IReadOnlyList<Matrix3> toSource, Border border) => images.GridSample(Grid(images, toSource), border);

    /// <summary>
    /// The same, with a colour outside as torchvision does it: sampled · m + fill · (1 - m), m the part of the bilinear weight inside. `sampled` has the factor m
    /// already, so pixels on the border carry it twice: the behaviour of the library, kept.
    /// </summary>
    public static Tensor Onto(Tensor images, IReadOnlyList<Matrix3> toSource, double fill)
    {
        var grid = Grid(images, toSource);
        var inside = Tensor.Ones([images.Size(0), 1, images.Size(2), images.Size(3)], images.DType, images.Device).GridSample(grid, Border.Zeros);
        var mixed = images.GridSample(grid, Border.Zeros) * inside;
        return fill == 0 ? mixed : mixed + (1 - inside) * fill;
    }

    // [n, h, w, 2] places for grid_sample with align_corners = false: -1 and 1 are the outer edges of the picture.
    private static Tensor Grid(Tensor images, IReadOnlyList<Matrix3> toSource)
    {
        var (n, c, h, w) = (images.Size(0), images.Size(1), images.Size(2), images.Size(3));
        if (toSource.Count != n) throw new ArgumentException($"Warp: {toSource.Count} matrices for {n} pictures");
        var edges = new Matrix3(2.0 / w, 0, 1.0 / w - 1, 0, 2.0 / h, 1.0 / h - 1, 0, 0, 1); // pixels to -1 … 1
        var pixels = edges.Inverse();
        using var all = Matrix3.Stack([.. toSource.Select(m => edges * m * pixels)]);
        if (toSource.All(m => m.IsAffine)) return Tensor.AffineGrid(all.Narrow(1, 0, 2).To(images.Device, images.DType), [n, c, h, w]);

        var x = (Tensor.Arange(w, DType.Float64) * (2.0 / w) + (1.0 / w - 1)).Reshape(1, w).Expand(h, w);
        var y = (Tensor.Arange(h, DType.Float64) * (2.0 / h) + (1.0 / h - 1)).Reshape(h, 1).Expand(h, w);
        var places = all.Matmul(Tensor.Stack([x, y, x.OnesLike()]).Reshape(3, h * w)); // [n, 3, h * w]
        var depth = places.Narrow(1, 2, 1);
        depth = depth + (depth.Abs() < Nearest).To(DType.Float64) * Nearest; // a pixel on the vanishing line looks infinitely far: no number, and so the whole loss would be none
        return (places.Narrow(1, 0, 2) / depth).Clamp(-Furthest, Furthest).Transpose(1, 2).Reshape(n, h, w, 2).To(images.Device, images.DType);
    }
}
