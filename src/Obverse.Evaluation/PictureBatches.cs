using System.IO.Compression;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>Pictures from files to an encoder, batch by batch.</summary>
public static class PictureBatches
{
    /// <summary>The shorter side resized to <paramref name="side"/> (Pillow's bicubic), the middle cut out: RGB bytes [side, side, 3].</summary>
    public static byte[] CentreCrop(ReadOnlySpan<byte> rgb, int width, int height, int side)
    {
        var (w, h) = width <= height ? (side, Math.Max(side, (int)((long)side * height / width))) : (Math.Max(side, (int)((long)side * width / height)), side);
        var resized = Resample.Bytes(rgb, width, height, 3, w, h);
        if (w == side && h == side) return resized;
        var (left, top) = ((w - side) / 2, (h - side) / 2);
        var crop = new byte[side * side * 3];
        for (var y = 0; y < side; y++) resized.AsSpan(((top + y) * w + left) * 3, side * 3).CopyTo(crop.AsSpan(y * side * 3));
        return crop;
    }

    /// <summary>Every picture of a zip whose name ends in .jpg or .png, in the order of the names.</summary>
    public static IEnumerable<(string Name, Picture Picture)> OfZip(string path)
    {
        using var zip = ZipFile.OpenRead(path);
        foreach (var entry in zip.Entries.Where(e => e.Name.EndsWith(".jpg", StringComparison.OrdinalIgnoreCase) || e.Name.EndsWith(".png", StringComparison.OrdinalIgnoreCase)).OrderBy(e => e.FullName, StringComparer.Ordinal))
        {
            var name = $"{path}: {entry.FullName}";
            using var stream = entry.Open();
            yield return (entry.FullName, Picture.Decode(Picture.ReadBytes(stream, entry.Length, name), name).OnWhite());
        }
    }

    /// <summary>All through a tower: RGB bytes of one side to [n, channels].</summary>
    /// <param name="pictures">[side, side, 3] each.</param>
    /// <param name="side">In pixels.</param>
    /// <param name="tower">[n, 3, side, side] in 0 … 1 to [n, channels].</param>
    /// <param name="batch">At once.</param>
    public static Tensor Run(IEnumerable<byte[]> pictures, int side, Func<Tensor, Tensor> tower, int batch = 32)
    {
        using var still = new NoGrad();
        return TensorScope.Of(() => Tensor.Cat([.. pictures.Chunk(batch).Select(some => TensorScope.Of(() => tower(ToTensor(some, side))))]));
    }

    /// <summary>RGB bytes, [side, side, 3] each, to [n, 3, side, side] in 0 … 1.</summary>
    public static Tensor ToTensor(IReadOnlyList<byte[]> pictures, int side)
    {
        var all = new byte[pictures.Count * side * side * 3];
        for (var i = 0; i < pictures.Count; i++) pictures[i].CopyTo(all.AsSpan(i * side * side * 3));
        return Tensor.From(all, pictures.Count, side, side, 3).Permute(0, 3, 1, 2).To(DType.Float32) / 255.0;
    }
}
