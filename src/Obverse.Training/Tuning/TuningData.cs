using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>Pictures as a tuning sees them, computed once: where the latents of each and of its mirror image lie, and what the CLIP looks at. Shorter side to the model's size, then the middle.</summary>
internal sealed class TuningData : IDisposable
{
    private readonly Tensor means, deviations; // [2 n, c, h, w]: row 2 i a picture, row 2 i + 1 its mirror image
    private readonly Tensor? seen; // [2 n, 3, side, side], normalised
    private readonly double scale;

    public TuningData(StableDiffusionModel model, ClipModel? clip, IReadOnlyList<TuningPicture> pictures, CancellationToken cancel)
    {
        (Pictures, scale) = (pictures, model.Autoencoder.Config.ScalingFactor);
        OfClass = pictures.Select((picture, i) => (picture.Class, i)).GroupBy(p => p.Class, p => p.i).ToDictionary(g => g.Key, g => g.ToArray());
        List<Tensor> mean = [], deviation = [], views = [];
        using (new NoGrad())
        {
            foreach (var picture in pictures)
            {
                cancel.ThrowIfCancellationRequested();
                using var scope = new TensorScope();
                var whole = picture.Load().ToTensor().To(clip?.Device ?? Device.Cpu);
                var square = Square(whole, SideOf(model));
                var found = model.Autoencoder.Encode(Both(square) * 2 - 1);
                mean.Add(found.Mean.OwnedCopy());
                deviation.Add((found.LogVariance * 0.5).Exp().OwnedCopy());
                if (clip is not null) views.Add(clip.Normalize(Both(Square(whole, clip.ImageSize))).OwnedCopy());
            }

            Tensor Joined(List<Tensor> parts)
            {
                var all = Tensor.Owned(() => Tensor.Cat(parts));
                foreach (var part in parts) part.Dispose();
                return all;
            }

            (means, deviations, seen) = (Joined(mean), Joined(deviation), clip is null ? null : Joined(views));
        }
    }

    public IReadOnlyList<TuningPicture> Pictures { get; }

    /// <summary>Numbers of the pictures of each class.</summary>
    public IReadOnlyDictionary<string, int[]> OfClass { get; }

    public long[] LatentShape => means.Shape[1..];

    /// <summary>The side of the pictures that a model is made for.</summary>
    public static int SideOf(StableDiffusionModel model) => model.UNet.Config.SampleSize * model.Autoencoder.Config.Stride;

    /// <summary>A draw from each picture's latents, scaled.</summary>
    public Tensor Latents(ReadOnlySpan<long> rows, Tensor noise)
    {
        var which = Tensor.From(rows).To(means.Device);
        return (means.IndexSelect(0, which) + deviations.IndexSelect(0, which) * noise) * scale;
    }

    /// <summary>What the CLIP looks at, normalised.</summary>
    public Tensor Seen(ReadOnlySpan<long> rows) => seen!.IndexSelect(0, Tensor.From(rows).To(seen.Device));

    /// <summary>The row of a picture or of its mirror image.</summary>
    public static long Row(int picture, bool mirrored) => 2L * picture + (mirrored ? 1 : 0);

    /// <summary>Shorter side to <paramref name="side"/>, bicubic, then the middle: [1, 3, h, w] in 0 … 1.</summary>
    internal static Tensor Square(Tensor picture, long side)
    {
        var (height, width) = (picture.Size(2), picture.Size(3));
        var shorter = Math.Min(height, width);
        var (toHeight, toWidth) = (Math.Max(side, height * side / shorter), Math.Max(side, width * side / shorter));
        var resized = (height, width) == (toHeight, toWidth) ? picture : picture.Resize(toHeight, toWidth, Interpolation.Bicubic, antialias: shorter > side).Clamp(0, 1);
        return resized.Narrow(2, (toHeight - side) / 2, side).Narrow(3, (toWidth - side) / 2, side);
    }

    public void Dispose()
    {
        means.Dispose();
        deviations.Dispose();
        seen?.Dispose();
    }

    private static Tensor Both(Tensor picture) => Tensor.Cat([picture, Mirrored(picture)]);

    internal static Tensor Mirrored(Tensor pictures)
    {
        var last = pictures.Size(3) - 1;
        return pictures.IndexSelect(3, Tensor.From([.. Enumerable.Range(0, (int)last + 1).Select(x => last - x)]).To(pictures.Device));
    }
}
