using Obverse.Imaging;
using Obverse.Models;

namespace Obverse.Evaluation;

public static partial class ImageQuality
{
    /// <summary>Weights of the five scales (Wang, Simoncelli and Bovik 2003, 3.2).</summary>
    public static IReadOnlyList<double> Scales { get; } = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

    /// <summary>
    /// MS-SSIM as torchmetrics computes it: contrast and structure at every scale, the whole SSIM at the last, each mean (not below 0) to the power of its weight; pictures are halved between by
    /// means of 2x2. Its means of contrast and structure leave out the borders, that of the whole SSIM does not.
    /// </summary>
    public static double MultiScaleSsim(Picture a, Picture b, IReadOnlyList<double>? scales = null)
    {
        scales ??= Scales;
        if (scales.Count == 0) throw new ArgumentException("no scales were given; one weight per scale is wanted");
        MustMatch(a, b, Weights(SsimWindow.Torchmetrics).Length << (scales.Count - 1));
        var (x, y, width, height, product) = (Planes(a), Planes(b), a.Width, a.Height, 1.0);
        for (var scale = 0; scale < scales.Count; scale++)
        {
            var (light, structure) = Maps(x, y, width, height, SsimWindow.Torchmetrics);
            var mean = scale == scales.Count - 1 ? light.Zip(structure, (l, s) => l * s).Average() : Inside(structure, width, height, Weights(SsimWindow.Torchmetrics).Length / 2).Average();
            product *= Math.Pow(Math.Max(mean, 0), scales[scale]);
            (x, y, width, height) = (Half(x, width, height), Half(y, width, height), width / 2, height / 2);
        }

        return product;
    }

    private static IEnumerable<double> Inside(double[] map, int width, int height, int border) =>
        Enumerable.Range(border, height - 2 * border).SelectMany(y => map[((y * width + border) * 3)..((y * width + width - border) * 3)]);

    private static double[] Half(double[] values, int width, int height)
    {
        var half = new double[width / 2 * (height / 2) * 3];
        for (var i = 0; i < half.Length; i++)
        {
            var (row, at) = (i / 3 / (width / 2) * 2, i / 3 % (width / 2) * 2);
            double Of(int dy, int dx) => values[((row + dy) * width + at + dx) * 3 + i % 3];
            half[i] = (Of(0, 0) + Of(0, 1) + Of(1, 0) + Of(1, 1)) / 4;
        }

        return half;
    }
}
