namespace Obverse.Torch;

/// <summary>How a warp treats places outside the picture ("aten::grid_sampler" padding_mode).</summary>
public enum Border { Zeros = 0, Clamp = 1, Reflect = 2 }

/// <summary>Kernels of resizing. Bicubic is a = -0.75 without antialias and a = -0.5 with it, as in PyTorch (spec clip.md 1.5).</summary>
public enum Interpolation { Nearest, NearestExact, Area, Bilinear, Bicubic }

/// <summary>Pictures of [n, channels, height, width].</summary>
public sealed partial class Tensor
{
    public Tensor Conv2d(Tensor weight, Tensor? bias = null, long stride = 1, long padding = 0, long groups = 1, long dilation = 1) =>
        Convolved(weight, bias, [stride, stride], [padding, padding], [dilation, dilation], groups);

    /// <summary>Convolution with different padding of rows and columns.</summary>
    public Tensor Conv2d(Tensor weight, Tensor? bias, ReadOnlySpan<long> stride, ReadOnlySpan<long> padding, long groups = 1) =>
        Convolved(weight, bias, stride, padding, [1, 1], groups);

    private Tensor Convolved(Tensor weight, Tensor? bias, ReadOnlySpan<long> stride, ReadOnlySpan<long> padding, ReadOnlySpan<long> dilation, long groups)
    {
        Value by = Value.Ints(stride), sides = Value.Ints(padding), apart = Value.Ints(dilation);
        return IsSlowHalf ? InFloats(() => conv2d.Call(Float, weight.Float, bias?.Float, by, sides, apart, groups)) : conv2d.Call(this, weight, bias, by, sides, apart, groups);
    }

    public Tensor AvgPool2d(long size, long? stride = null, long padding = 0) => avg_pool2d.Call(this, Value.Ints(size, size), Value.Ints(stride ?? size, stride ?? size), Value.Ints(padding, padding));

    /// <summary>Mean of [rows, columns] windows. <paramref name="countPadding"/> counts the zeros of the padding; <paramref name="ceil"/> keeps a last window that sticks out.</summary>
    public Tensor AvgPool2d(ReadOnlySpan<long> size, ReadOnlySpan<long> stride, ReadOnlySpan<long> padding, bool ceil = false, bool countPadding = true) =>
        avg_pool2d.Call(this, Value.Ints(size), Value.Ints(stride), Value.Ints(padding), ceil, countPadding);

    /// <summary>Maximum of windows; <paramref name="ceil"/> keeps a last window that sticks out.</summary>
    public Tensor MaxPool2d(long size, long? stride = null, long padding = 0, bool ceil = false) =>
        max_pool2d.Call(this, Value.Ints(size, size), Value.Ints(stride ?? size, stride ?? size), Value.Ints(padding, padding), Value.Ints(1, 1), ceil);
    public Tensor AdaptiveAvgPool2d(long height, long width) => adaptive_avg_pool2d.Call(this, Value.Ints(height, width));
    public Tensor AdaptiveMaxPool2d(long height, long width) => adaptive_max_pool2d.CallMany(this, Value.Ints(height, width))[0];

    /// <summary>"torch.nn.functional.interpolate" to a size. <paramref name="scale"/> (rows, columns), if given, is used for the coordinates in place of the sizes' ratio.</summary>
    public Tensor Resize(long height, long width, Interpolation by = Interpolation.Bilinear, bool antialias = false, bool alignCorners = false, (double Rows, double Columns)? scale = null)
    {
        var size = Value.Ints(height, width);
        Value rows = scale is { } s ? s.Rows : Value.None, columns = scale is { } c ? c.Columns : Value.None;
        if (by == Interpolation.Bicubic && !antialias && Device == Device.Cpu && Math.Max(Math.Max(Size(2), Size(3)), Math.Max(height, width)) <= MatrixSide) return ByMatrices(height, width, alignCorners, scale);
        return by switch
        {
            Interpolation.Nearest => nearest.Call(this, size, rows, columns),
            Interpolation.NearestExact => nearest_exact.Call(this, size, rows, columns),
            Interpolation.Area => AdaptiveAvgPool2d(height, width),
            Interpolation.Bilinear => (antialias ? bilinear_aa : bilinear).Call(this, size, alignCorners, rows, columns),
            _ => (antialias ? bicubic_aa : bicubic).Call(this, size, alignCorners, rows, columns),
        };
    }

    /// <summary>
    /// The same as two matrix products. A resize is linear, rows and columns apart: libtorch's own, asked what becomes of the rows of the identity, gives the matrices. Its loop over sixteen neighbours a pixel
    /// was a tenth of a step at progressive resolution, most of it in the backward pass (docs/speed.md).
    /// </summary>
    private Tensor ByMatrices(long height, long width, bool alignCorners, (double Rows, double Columns)? scale)
    {
        Tensor Matrix(long from, long to, double? ratio) // [to, from]
        {
            using var still = new NoGrad();
            var identity = Eye(from, DType).Reshape(1, 1, from, from);
            return bicubic.Call(identity, Value.Ints(to, from), alignCorners, ratio is { } r ? r : Value.None, Value.None).Reshape(to, from);
        }

        var rows = Matrix(Size(2), height, scale?.Rows);
        var columns = Size(2) == Size(3) && height == width && scale?.Rows == scale?.Columns ? rows : Matrix(Size(3), width, scale?.Columns);
        return rows.Matmul(Matmul(columns.T()));
    }

    private const long MatrixSide = 1024; // beyond it the matrices' zeros cost more than they save

    /// <summary>The transpose of <see cref="Resize"/> from height x width to this size, bicubic or nearest without options: what its backward pass does to a gradient.</summary>
    public Tensor ResizeAdjoint(long height, long width, Interpolation by)
    {
        var (from, to) = (Value.Ints(Size(2), Size(3)), Value.Ints(Size(0), Size(1), height, width));
        return by == Interpolation.Nearest ? nearest_backward.Call(this, from, to) : bicubic_backward.Call(this, from, to, false);
    }

    /// <summary>Samples at [n, height, width, 2] places (x, y in -1 … 1).</summary>
    public Tensor GridSample(Tensor grid, Border border, bool alignCorners = false, Interpolation by = Interpolation.Bilinear) =>
        grid_sampler.Call(this, grid, by switch { Interpolation.Bilinear => 0, Interpolation.Nearest => 1, _ => 2 }, (int)border, alignCorners);

    /// <summary>Places for <see cref="GridSample"/> from [n, 2, 3] matrices, output side to input side.</summary>
    public static Tensor AffineGrid(Tensor theta, ReadOnlySpan<long> size, bool alignCorners = false) => affine_grid.Call(theta, Value.Ints(size), alignCorners);

    private static readonly Op
        conv2d = Op.Find("aten::conv2d"), avg_pool2d = Op.Find("aten::avg_pool2d"), max_pool2d = Op.Find("aten::max_pool2d"), adaptive_avg_pool2d = Op.Find("aten::adaptive_avg_pool2d"),
        adaptive_max_pool2d = Op.Find("aten::adaptive_max_pool2d"), nearest = Op.Find("aten::upsample_nearest2d"), nearest_exact = Op.Find("aten::_upsample_nearest_exact2d"),
        bilinear = Op.Find("aten::upsample_bilinear2d"), bilinear_aa = Op.Find("aten::_upsample_bilinear2d_aa"), bicubic = Op.Find("aten::upsample_bicubic2d"), bicubic_aa = Op.Find("aten::_upsample_bicubic2d_aa"),
        bicubic_backward = Op.Find("aten::upsample_bicubic2d_backward"), nearest_backward = Op.Find("aten::upsample_nearest2d_backward"),
        grid_sampler = Op.Find("aten::grid_sampler"), affine_grid = Op.Find("aten::affine_grid_generator");
}
