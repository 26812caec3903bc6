using Obverse.Torch;

namespace Obverse;

/// <summary>A 3x3 matrix of places in a picture: (x, y, 1), the centre of pixel i at i, x along columns, y along rows. Doubles: it is small and inverted.</summary>
public readonly record struct Matrix3(double A, double B, double C, double D, double E, double F, double G, double H, double I)
{
    public static Matrix3 Identity => new(1, 0, 0, 0, 1, 0, 0, 0, 1);
    public static Matrix3 Translation(double x, double y) => new(1, 0, x, 0, 1, y, 0, 0, 1);
    public static Matrix3 Scaling(double x, double y) => new(x, 0, 0, 0, y, 0, 0, 0, 1);

    public bool IsAffine => G == 0 && H == 0;

    public static Matrix3 operator *(Matrix3 a, Matrix3 b) => new(
        a.A * b.A + a.B * b.D + a.C * b.G, a.A * b.B + a.B * b.E + a.C * b.H, a.A * b.C + a.B * b.F + a.C * b.I,
        a.D * b.A + a.E * b.D + a.F * b.G, a.D * b.B + a.E * b.E + a.F * b.H, a.D * b.C + a.E * b.F + a.F * b.I,
        a.G * b.A + a.H * b.D + a.I * b.G, a.G * b.B + a.H * b.E + a.I * b.H, a.G * b.C + a.H * b.F + a.I * b.I);

    /// <summary>
    /// kornia's affine map, source pixel to output pixel: T(tx, ty) · C · Rot · scale · C⁻¹ · (C · Shear · C⁻¹) about the centre c = ((width-1)/2, (height-1)/2).
    /// Angles in degrees, clockwise as displayed; tx, ty in pixels (kornia 0.9 get_affine_matrix2d).
    /// </summary>
    public static Matrix3 Affine(double angle, double tx, double ty, double scale, double shearX, double shearY, long height, long width)
    {
        const double degree = Math.PI / 180;
        var (cos, sin, x, y) = (Math.Cos(angle * degree), Math.Sin(angle * degree), Math.Tan(shearX * degree), Math.Tan(shearY * degree));
        var centre = Translation((width - 1) / 2.0, (height - 1) / 2.0);
        return Translation(tx, ty) * centre * new Matrix3(cos, -sin, 0, sin, cos, 0, 0, 0, 1) * Scaling(scale, scale) * new Matrix3(1, -x, 0, -y, 1 + x * y, 0, 0, 0, 1) * centre.Inverse();
    }

    /// <summary>The homography that takes four points (x, y pairs) to four others.</summary>
    public static Matrix3 Homography(ReadOnlySpan<double> from, ReadOnlySpan<double> to)
    {
        const int n = 8;
        var m = new double[n, n + 1]; // a x + b y + c - u (g x + h y) = u, and the same for v
        for (var i = 0; i < 4; i++)
        {
            var (x, y) = (from[2 * i], from[2 * i + 1]);
            for (var axis = 0; axis < 2; axis++)
            {
                var (row, goal) = (2 * i + axis, to[2 * i + axis]);
                (m[row, 3 * axis], m[row, 3 * axis + 1], m[row, 3 * axis + 2]) = (x, y, 1);
                (m[row, 6], m[row, 7], m[row, n]) = (-goal * x, -goal * y, goal);
            }
        }

        for (var k = 0; k < n; k++) // Gauss-Jordan with pivots
        {
            var best = k;
            for (var row = k + 1; row < n; row++) best = Math.Abs(m[row, k]) > Math.Abs(m[best, k]) ? row : best;
            if (Math.Abs(m[best, k]) < 1e-12) throw new ArgumentException($"Homography: the corners [{string.Join(", ", from.ToArray())}] or [{string.Join(", ", to.ToArray())}] lie on a line");
            for (var j = 0; j <= n; j++) (m[k, j], m[best, j]) = (m[best, j], m[k, j]);
            for (var row = 0; row < n; row++)
            {
                var factor = m[row, k] / m[k, k];
                for (var j = k; row != k && j <= n; j++) m[row, j] -= factor * m[k, j];
            }
        }

        double Root(int k) => m[k, n] / m[k, k];
        return new(Root(0), Root(1), Root(2), Root(3), Root(4), Root(5), Root(6), Root(7), 1);
    }

    public Matrix3 Inverse()
    {
        var (a, b, c) = (E * I - F * H, F * G - D * I, D * H - E * G);
        var determinant = A * a + B * b + C * c;
        if (determinant == 0) throw new InvalidOperationException($"a map of a picture that cannot be undone: {this}");
        var k = 1 / determinant;
        return new(a * k, (C * H - B * I) * k, (B * F - C * E) * k, b * k, (A * I - C * G) * k, (C * D - A * F) * k, c * k, (B * G - A * H) * k, (A * E - B * D) * k);
    }

    /// <summary>[n, 3, 3], float64.</summary>
    public static Tensor Stack(IReadOnlyList<Matrix3> matrices) =>
        Tensor.From((double[])[.. matrices.SelectMany(m => (double[])[m.A, m.B, m.C, m.D, m.E, m.F, m.G, m.H, m.I])], matrices.Count, 3, 3);
}
