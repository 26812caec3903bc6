using System.Globalization;
using Obverse.Evaluation;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>How well a VQGAN gives held-out pictures back, means over the pictures.</summary>
/// <param name="Side">Side in pixels they were cropped to.</param>
/// <param name="Pictures">How many.</param>
/// <param name="Psnr">Peak signal-to-noise ratio in dB, of each picture.</param>
/// <param name="Features">Distance of features.</param>
/// <param name="Network">The network that measured it.</param>
/// <param name="Codes">Codes that met at least one latent.</param>
public sealed record VqganQuality(int Side, int Pictures, double Psnr, double Features, string Network, int Codes)
{
    /// <summary>Pictures of a zip, cropped in the middle.</summary>
    public static VqganQuality Measure(Vqgan model, string zip, int side, FeatureDistance features, int every = 1)
    {
        const int Batch = 8;
        using var still = new NoGrad();
        var (psnr, distance, count) = (0.0, 0.0, 0);
        var met = new HashSet<long>();
        foreach (var some in PictureBatches.OfZip(zip).Where((_, i) => i % every == 0).Select(p => PictureBatches.CentreCrop(p.Picture.Rgb, p.Picture.Width, p.Picture.Height, side)).Chunk(Batch))
        {
            using var scope = new TensorScope();
            var pictures = PictureBatches.ToTensor(some, side);
            var codes = model.Codes(model.Encode(pictures * 2 - 1));
            met.UnionWith(codes.Reshape(-1).ToArray<long>());
            var back = ((model.Decode(model.Rows(codes)) + 1) / 2).Clamp(0, 1);
            psnr += (back - pictures).Square().Mean([1, 2, 3]).ToFloats().Sum(error => -10 * Math.Log10(error));
            distance += features.Between(back, pictures).Sum().Item();
            count += some.Length;
        }

        return count > 0 ? new(side, count, psnr / count, distance / count, features.Name, met.Count) : throw new InvalidDataException($"{zip}: no pictures");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Pictures} held-out pictures at {Side} px: PSNR {Psnr:F2} dB, feature distance {Features:F3} ({Network}), {Codes} codes used");
}
