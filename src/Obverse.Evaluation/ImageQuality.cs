using Obverse.Imaging;
using Obverse.Models;

namespace Obverse.Evaluation;

/// <summary>
/// Over what SSIM takes its local means: the window of its paper, or the default of scikit-image, both without the borders; or the paper's as torchmetrics has it, borders and all. The numbers differ
/// by up to 0.07, so say which.
/// </summary>
public enum SsimWindow { Gaussian, Uniform, Torchmetrics }

/// <summary>Distortion between two pictures of one size: PSNR, and SSIM (Wang et al. 2004) as scikit-image's `structural_similarity` computes it (spec metrics.md 7.14).</summary>
public static partial class ImageQuality
{
    private const double C1 = 0.01 * 0.01, C2 = 0.03 * 0.03; // (K L)², L = 1

    /// <summary>10 log10(1 / MSE) of colours in 0 … 1; infinite where the pictures are equal.</summary>
    public static double Psnr(Picture a, Picture b)
    {
        MustMatch(a, b, 1);
        var total = 0L;
        for (var i = 0; i < a.Rgb.Length; i++) total += (a.Rgb[i] - b.Rgb[i]) * (a.Rgb[i] - b.Rgb[i]);
        return total == 0 ? double.PositiveInfinity : 10 * Math.Log10(255.0 * 255 * a.Rgb.Length / total);
    }

    /// <summary>Mean of the map over places and channels, without the half window at each border (torchmetrics: with it).</summary>
    public static double Ssim(Picture a, Picture b, SsimWindow window = SsimWindow.Gaussian)
    {
        var map = SsimMap(a, b, window);
        return Inside(map, a.Width, a.Height, window == SsimWindow.Torchmetrics ? 0 : Weights(window).Length / 2).Average();
    }

    /// <summary>At every pixel and channel, [h, w, 3]; beyond the borders the picture is mirrored, the edge repeated (torchmetrics: not repeated).</summary>
    public static double[] SsimMap(Picture a, Picture b, SsimWindow window = SsimWindow.Gaussian)
    {
        MustMatch(a, b, Weights(window).Length);
        var (light, structure) = Maps(Planes(a), Planes(b), a.Width, a.Height, window);
        return [.. light.Zip(structure, (l, s) => l * s)];
    }

    // SSIM's two factors: how alike the local means are; how alike contrast and structure.
    private static (double[] Light, double[] Structure) Maps(double[] x, double[] y, int width, int height, SsimWindow window)
    {
        var weights = Weights(window);
        var sample = window == SsimWindow.Uniform ? weights.Length * weights.Length / (weights.Length * weights.Length - 1.0) : 1; // n / (n - 1): scikit-image's default is the sample covariance
        double[] Mean(double[] values) => Smooth(values, width, height, weights, repeatsEdge: window != SsimWindow.Torchmetrics);
        double[] Product(double[] p, double[] q) => [.. p.Zip(q, (one, other) => one * other)];
        double[] ux = Mean(x), uy = Mean(y), uxx = Mean(Product(x, x)), uyy = Mean(Product(y, y)), uxy = Mean(Product(x, y));
        double[] light = new double[x.Length], structure = new double[x.Length];
        for (var i = 0; i < x.Length; i++)
        {
            double vx = sample * (uxx[i] - ux[i] * ux[i]), vy = sample * (uyy[i] - uy[i] * uy[i]), vxy = sample * (uxy[i] - ux[i] * uy[i]);
            light[i] = (2 * ux[i] * uy[i] + C1) / (ux[i] * ux[i] + uy[i] * uy[i] + C1);
            structure[i] = (2 * vxy + C2) / (vx + vy + C2);
        }

        return (light, structure);
    }

    // Sigma 1.5 cut off at 3.5 sigma: 11 taps; or 7 equal ones.
    private static double[] Weights(SsimWindow window)
    {
        if (window == SsimWindow.Uniform) return [.. Enumerable.Repeat(1 / 7.0, 7)];
        double[] taps = [.. Enumerable.Range(-5, 11).Select(i => Math.Exp(-i * i / (2 * 1.5 * 1.5)))];
        var sum = taps.Sum();
        return [.. taps.Select(tap => tap / sum)];
    }

    private static double[] Planes(Picture picture)
    {
        var planes = new double[picture.Rgb.Length];
        for (var i = 0; i < planes.Length; i++) planes[i] = picture.Rgb[i] / 255.0;
        return planes;
    }

    // Rows, then columns, of [h, w, 3].
    private static double[] Smooth(double[] values, int width, int height, double[] weights, bool repeatsEdge)
    {
        double[] Along(double[] from, int count, Func<int, int, int> place, int lines)
        {
            var to = new double[from.Length];
            for (var line = 0; line < lines; line++)
            {
                for (var i = 0; i < count; i++)
                {
                    var sum = 0.0;
                    for (var t = 0; t < weights.Length; t++) sum += weights[t] * from[place(line, Mirrored(i + t - weights.Length / 2, count, repeatsEdge ? 1 : 0))];
                    to[place(line, i)] = sum;
                }
            }

            return to;
        }

        var rows = Along(values, width, (line, i) => (line / 3 * width + i) * 3 + line % 3, height * 3);
        return Along(rows, height, (line, i) => i * width * 3 + line, width * 3);
    }

    private static int Mirrored(int i, int count, int edge) => i < 0 ? -i - edge : i >= count ? 2 * count - 2 - i + edge : i;

    private static void MustMatch(Picture a, Picture b, int least)
    {
        if ((a.Width, a.Height) != (b.Width, b.Height)) throw new ArgumentException($"pictures of {a.Width}x{a.Height} and {b.Width}x{b.Height} were given; equal sizes are wanted");
        if (Math.Min(a.Width, a.Height) < least) throw new ArgumentException($"pictures of {a.Width}x{a.Height} were given; sides of at least {least}, the window, are wanted");
    }
}
