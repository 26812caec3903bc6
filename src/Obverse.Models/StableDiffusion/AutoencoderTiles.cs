using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// Pictures too large to be encoded or decoded whole, one overlapping tile after another, blended along a line (as diffusers' enable_vae_tiling: 64 latents, a quarter of them
/// shared). Norms and the middle's attention see a tile only, so that a tile differs a little from the whole.
/// </summary>
public sealed record AutoencoderTiles
{
    private const double MostWhole = 3.2e9; // 768x768 of Stable Diffusion's

    /// <summary>Latents a tile's side.</summary>
    public int Side { get; init; } = 64;

    /// <summary>Latents that neighbours share at least; the outer quarter on each side counts nothing, since there a tile lacks what lies round it.</summary>
    public int Overlap { get; init; } = 16;

    /// <summary>Tiles where the whole would take too much; null: no tiles.</summary>
    public static AutoencoderTiles? For(AutoencoderConfig config, long height, long width) => WholeBytes(config, height, width) > MostWhole ? new() : null;

    /// <summary>What decoding takes beside the weights, tiled where <see cref="For"/> says so, in bytes; encoding takes less.</summary>
    public static double BytesOf(AutoencoderConfig config, long height, long width) =>
        For(config, height, width) is { } tiles ? WholeBytes(config, Math.Min(height, tiles.Side * config.Stride), Math.Min(width, tiles.Side * config.Stride)) + 36.0 * height * width : WholeBytes(config, height, width);

    /// <summary>As <see cref="Autoencoder.Decode"/>.</summary>
    public Tensor Decode(Autoencoder autoencoder, Tensor latents)
    {
        var stride = autoencoder.Config.Stride;
        var picture = Tensor.Zeros([latents.Size(0), 3, latents.Size(2) * stride, latents.Size(3) * stride], device: latents.Device);
        foreach (var tile in Tiles(latents.Size(2), latents.Size(3), stride))
        {
            using var scope = new TensorScope();
            tile.Add(picture, autoencoder.Decode(latents.Narrow(2, tile.Rows.Start, tile.Rows.Length).Narrow(3, tile.Columns.Start, tile.Columns.Length)), stride);
        }

        return picture;
    }

    /// <summary>As <see cref="Autoencoder.Encode"/>; of the pictures' sides whole latents are wanted.</summary>
    public LatentDistribution Encode(Autoencoder autoencoder, Tensor pictures)
    {
        var (stride, channels) = (autoencoder.Config.Stride, autoencoder.Config.LatentChannels);
        var (height, width) = (pictures.Size(2) / stride, pictures.Size(3) / stride);
        Tensor Empty() => Tensor.Zeros([pictures.Size(0), channels, height, width], device: pictures.Device);
        var all = new LatentDistribution(Empty(), Empty());
        foreach (var tile in Tiles(height, width, 1))
        {
            using var scope = new TensorScope();
            var found = autoencoder.Encode(pictures.Narrow(2, tile.Rows.Start * stride, tile.Rows.Length * stride).Narrow(3, tile.Columns.Start * stride, tile.Columns.Length * stride));
            tile.Add(all.Mean, found.Mean, 1);
            tile.Add(all.LogVariance, found.LogVariance, 1);
        }

        return all;
    }

    // The finest level of the decoder: five tensors of the next level's channels, those that convolutions reorder among them.
    private static double WholeBytes(AutoencoderConfig config, long height, long width) => 5.0 * config.Channels[Math.Min(1, config.Channels.Count - 1)] * sizeof(float) * height * width;

    private IEnumerable<Tile> Tiles(long height, long width, int scale) => Spans(height, scale).SelectMany(rows => Spans(width, scale).Select(columns => new Tile(rows, columns)));

    // Evenly spread; weights in steps of 1/scale of a latent, which sum to 1 everywhere.
    private Span[] Spans(long size, int scale)
    {
        if (size <= Side) return [new(0, size, [.. Enumerable.Repeat(1f, (int)size * scale)])];
        var count = (int)Math.Ceiling((size - Overlap) / (double)(Side - Overlap));
        long[] starts = [.. Enumerable.Range(0, count).Select(i => (long)Math.Round(i * (size - Side) / (count - 1.0)))];
        double Raw(int tile, double at)
        {
            double margin = Overlap / 4, slope = Overlap - 2 * margin;
            var (fromLeft, fromRight) = (tile == 0 ? Side : at - starts[tile], tile == count - 1 ? Side : starts[tile] + Side - at);
            return Math.Clamp(Math.Min(fromLeft - margin, fromRight - margin) / slope, 0, 1);
        }

        double Place(long start, int i) => start + (i + 0.5) / scale;
        return [.. starts.Select((start, tile) => new Span(start, Side, [.. Enumerable.Range(0, Side * scale).Select(i => (float)(Raw(tile, Place(start, i)) / Enumerable.Range(0, count).Sum(other => Raw(other, Place(start, i)))))]))];
    }

    private sealed record Span(long Start, long Length, float[] Weights);

    private sealed record Tile(Span Rows, Span Columns)
    {
        public void Add(Tensor whole, Tensor part, int scale)
        {
            var weights = Tensor.From(Rows.Weights, Rows.Weights.Length, 1).To(part.Device) * Tensor.From(Columns.Weights, 1, Columns.Weights.Length).To(part.Device);
            whole.Narrow(2, Rows.Start * scale, Rows.Length * scale).Narrow(3, Columns.Start * scale, Columns.Length * scale).AddInPlace(part * weights);
        }
    }
}
