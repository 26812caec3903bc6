using Obverse.Torch;

namespace Obverse;

/// <summary>Pictures of a batch that are treated one by one.</summary>
internal static class Pieces
{
    private const int Most = 64; // results that one operator call may give

    /// <summary>[n, c, h, w]: each picture, [1, c, h, w], through a function of it and its number. One split and one concatenation, so that the gradient is copied once.</summary>
    public static Tensor Each(Tensor images, Func<Tensor, int, Tensor> change)
    {
        var at = 0;
        var blocks = images.Size(0) <= Most ? [images] : images.Split(Math.Max(Most, (images.Size(0) + Most - 1) / Most));
        return Tensor.Cat([.. blocks.Select(block => Tensor.Cat([.. block.Split(1).Select(one => change(one, at++))]))]);
    }

    /// <summary>A box of each picture, (top, left, height, width) four by four in pixels.</summary>
    public static Tensor Boxes(Tensor images, long[] boxes, Func<Tensor, Tensor> then) =>
        Each(images, (one, i) => then(Box(one, boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3])));

    public static Tensor Box(Tensor images, long top, long left, long height, long width)
    {
        var (h, w) = (images.Size(2), images.Size(3));
        if (top < 0 || left < 0 || height < 1 || width < 1 || top + height > h || left + width > w) throw new ArgumentException($"a box of {height} x {width} at ({top}, {left}) of a picture of {h} x {w}");
        return images.Narrow(2, top, height).Narrow(3, left, width);
    }

    /// <summary>Pictures with boxes blackened: [n, 1, h, w] of ones, zeros in the part of (top, left, height, width) that is inside.</summary>
    public static Tensor Blacken(Tensor images, Func<int, (long Top, long Left, long Height, long Width)> box)
    {
        var (n, h, w) = (images.Size(0), images.Size(2), images.Size(3));
        var mask = new float[n * h * w];
        Array.Fill(mask, 1);
        for (var i = 0; i < n; i++)
        {
            var (top, left, height, width) = box(i);
            var (from, to) = (Math.Clamp(left, 0, w), Math.Clamp(left + width, 0, w));
            for (var row = Math.Max(0, top); row < Math.Min(h, top + height) && to > from; row++) Array.Clear(mask, (int)((i * h + row) * w + from), (int)(to - from));
        }

        return images * Tensor.From(mask, n, 1, h, w).To(images.Device, images.DType);
    }
}
