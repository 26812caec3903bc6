using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>Small JPEGs of an index's pictures: one tensor of bytes, and for every row where its own begin and end (the same for rows of one picture; nothing between for a row without).</summary>
public sealed class Thumbnails
{
    private const int Quality = 85;

    private readonly Lazy<byte[]> bytes;
    private readonly long[] bounds; // [n, 2]

    internal Thumbnails(Func<byte[]> bytes, long[] bounds) => (this.bytes, this.bounds) = (new(bytes), bounds);

    public int Count => bounds.Length / 2;

    /// <summary>Of JPEG files, one a row; rows that hold the same array share it.</summary>
    public static Thumbnails Of(IReadOnlyList<byte[]> rows)
    {
        var (starts, all, bounds) = (new Dictionary<byte[], long>(), new MemoryStream(), new long[rows.Count * 2]);
        for (var i = 0; i < rows.Count; i++)
        {
            if (!starts.TryGetValue(rows[i], out var start))
            {
                starts.Add(rows[i], start = all.Length);
                all.Write(rows[i]);
            }

            (bounds[2 * i], bounds[2 * i + 1]) = (start, start + rows[i].Length);
        }

        return new(all.ToArray, bounds);
    }

    /// <summary>A picture as a JPEG whose longer side is <paramref name="side"/> pixels (a smaller one stays as it is), on white.</summary>
    public static byte[] Encode(Picture picture, int side)
    {
        var scale = Math.Min(1, side / (double)Math.Max(picture.Width, picture.Height));
        var small = scale < 1 ? picture.Resize(Math.Max(1, (int)Math.Round(picture.Width * scale)), Math.Max(1, (int)Math.Round(picture.Height * scale))) : picture;
        return small.OnWhite().EncodeJpeg(Quality);
    }

    /// <summary>A row's JPEG file; empty where there is none.</summary>
    public byte[] Bytes(long row)
    {
        var (from, to) = (bounds[2 * row], bounds[2 * row + 1]);
        return from == to ? [] : bytes.Value.AsSpan(checked((int)from), checked((int)(to - from))).ToArray();
    }

    /// <summary>A row's picture; null where there is none.</summary>
    public Picture? Picture(long row) => Bytes(row) is { Length: > 0 } jpeg ? Imaging.Picture.Decode(jpeg, $"thumbnail of row {row}") : null;

    // Bounds first: they want to lie at a multiple of 8 bytes.
    internal IEnumerable<KeyValuePair<string, Tensor>> ToTensors() => [new("thumbnail-offsets", Tensor.From(bounds, Count, 2)), new("thumbnails", Tensor.From(bytes.Value))];

    /// <summary>Of an open file; the bytes are read when the first is asked for.</summary>
    internal static Thumbnails? Of(Safetensors file, long rows)
    {
        if (!file.Contains("thumbnails")) return null;
        var (bounds, length) = (file["thumbnail-offsets"].ToArray<long>(), file.Describe("thumbnails").Shape is [var bytes] ? bytes : -1);
        if (bounds.Length != 2 * rows || bounds.Chunk(2).Any(pair => pair[0] < 0 || pair[1] < pair[0] || pair[1] > length)) throw new WeightsException($"{file.Path}: its thumbnails do not lie where its offsets say");
        var path = file.Path;
        return new(() =>
        {
            using var again = Safetensors.Open(path);
            using var tensor = again["thumbnails"];
            return tensor.Elements == length ? tensor.ToArray<byte>() : throw new WeightsException($"{path}: was changed while it was open");
        }, bounds);
    }
}
