using Obverse.Imaging;

namespace Obverse.Evaluation;

/// <summary>How much of a picture's contours another one has: Pearson's correlation of their gradient magnitudes by Sobel's operator (Sobel and Feldman 1968), whatever colours and manner are.</summary>
public static class EdgeCorrelation
{
    /// <summary>From -1 to 1; 1 for the picture itself, its negative, or any contrast of it. 0 where one of them has no edges, or all are alike.</summary>
    /// <exception cref="ArgumentException">Pictures of two sizes, or below 3x3.</exception>
    public static double Of(Picture a, Picture b)
    {
        if ((a.Width, a.Height) != (b.Width, b.Height)) throw new ArgumentException($"pictures of {a.Width}x{a.Height} and {b.Width}x{b.Height} were given; equal sizes are wanted");
        if (Math.Min(a.Width, a.Height) < 3) throw new ArgumentException($"pictures of {a.Width}x{a.Height} were given; sides of at least 3, the operator's, are wanted");
        double[] x = Magnitudes(a), y = Magnitudes(b);
        double meanX = x.Average(), meanY = y.Average(), xx = 0, yy = 0, xy = 0;
        for (var i = 0; i < x.Length; i++)
        {
            var (dx, dy) = (x[i] - meanX, y[i] - meanY);
            (xx, yy, xy) = (xx + dx * dx, yy + dy * dy, xy + dx * dy);
        }

        const double Least = 1e-12; // rounding of means; the least that pixels of 8 bits can have is 2e-7
        return xx > Least && yy > Least ? Math.Clamp(xy / Math.Sqrt(xx * yy), -1, 1) : 0;
    }

    /// <summary>Of the luma (ITU-R 601, 0 … 1) at every pixel that has all its neighbours, [h - 2, w - 2].</summary>
    public static double[] Magnitudes(Picture picture)
    {
        var (width, height) = (picture.Width, picture.Height);
        var rgb = picture.Rgb;
        var luma = new int[width * height]; // in units of 1 / 255,000, so that differences are exact
        for (var i = 0; i < luma.Length; i++) luma[i] = 299 * rgb[3 * i] + 587 * rgb[3 * i + 1] + 114 * rgb[3 * i + 2];
        var magnitudes = new double[(width - 2) * (height - 2)];
        for (int y = 1, to = 0; y < height - 1; y++)
        {
            for (var x = 1; x < width - 1; x++, to++)
            {
                long At(int dx, int dy) => luma[(y + dy) * width + x + dx];
                var across = At(1, -1) + 2 * At(1, 0) + At(1, 1) - At(-1, -1) - 2 * At(-1, 0) - At(-1, 1);
                var down = At(-1, 1) + 2 * At(0, 1) + At(1, 1) - At(-1, -1) - 2 * At(0, -1) - At(1, -1);
                magnitudes[to] = Math.Sqrt(across * across + down * down) / 255000;
            }
        }

        return magnitudes;
    }
}
