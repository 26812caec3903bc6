using System.Runtime.CompilerServices;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>
/// A cheap look at latents: each one's colour as a linear function of its channels, fitted by least squares to what the autoencoder decodes of smooth random latents. A pixel a latent.
/// </summary>
public sealed class LatentPreview : IDisposable
{
    private const int Samples = 6, Side = 16;
    private static readonly ConditionalWeakTable<Autoencoder, LatentPreview> known = [];
    private readonly Tensor colours; // [channels + 1, 3], the last row is added

    private LatentPreview(Tensor colours) => this.colours = colours;

    /// <summary>That of an autoencoder, fitted once.</summary>
    public static LatentPreview Of(Autoencoder autoencoder) => known.GetValue(autoencoder, one => Fit(one.Config.LatentChannels, one.Config.Stride, one.ToPictures, one.Device));

    /// <summary>Scaled latents [n, channels, h, w] to pictures in 0 … 1, [n, 3, h, w].</summary>
    public Tensor ToPictures(Tensor latents) => WithOne(latents).Matmul(colours).Reshape(latents.Size(0), latents.Size(2), latents.Size(3), 3).Permute(0, 3, 1, 2).Clamp(0, 1).Contiguous();

    public void Dispose() => colours.Dispose();

    // [n h w, channels + 1]
    private static Tensor WithOne(Tensor latents)
    {
        var rows = latents.Permute(0, 2, 3, 1).Reshape(-1, latents.Size(1));
        return Tensor.Cat([rows, Tensor.Ones([rows.Size(0), 1]).To(rows.Device)], 1);
    }

    /// <param name="channels">Of latents.</param>
    /// <param name="stride">Pixels a latent's side.</param>
    /// <param name="decode">Scaled latents to pictures in 0 … 1.</param>
    /// <param name="device">Where it computes.</param>
    internal static LatentPreview Fit(int channels, int stride, Func<Tensor, Tensor> decode, Device device) => new(Tensor.Owned(() =>
    {
        using var still = new NoGrad();
        var random = Generator.For(0, 503);
        // Of unit variance at each place, half of it shared with the neighbours: flat colours and edges.
        var coarse = random.Normal(Samples, channels, Side / 4, Side / 4).Resize(Side, Side, Interpolation.Nearest);
        var latents = ((coarse + random.Normal(Samples, channels, Side, Side)) * Math.Sqrt(0.5)).To(device);
        var seen = decode(latents).AvgPool2d(stride);
        var (given, wanted) = (WithOne(latents).To(DType.Float64), seen.Permute(0, 2, 3, 1).Reshape(-1, 3).To(DType.Float64));
        var square = given.T().Matmul(given) + Tensor.Eye(channels + 1, DType.Float64).To(latents.Device) * 1e-6;
        return square.Solve(given.T().Matmul(wanted)).To(DType.Float32);
    }));
}
