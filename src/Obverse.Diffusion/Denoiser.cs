using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>What a network says of noisy latents at a time of its training: the noise in them, or their velocity, as its schedule's <see cref="Prediction"/> has it.</summary>
/// <param name="latents">[n, channels, h, w], scaled as the network was trained on them.</param>
/// <param name="time">0 … 999, whole or not.</param>
public delegate Tensor Denoiser(Tensor latents, double time);

/// <summary>Makes denoisers, and one round another.</summary>
public static class Denoisers
{
    /// <summary>A UNet beside rows of text: as many rows as latents, or one for all.</summary>
    /// <param name="unet">The network.</param>
    /// <param name="rows">[n, rows, width].</param>
    /// <param name="mask">Hides some of them.</param>
    /// <param name="deep">Reuses deep features between neighbouring calls.</param>
    public static Denoiser Of(UNet unet, Tensor rows, ContextMask? mask = null, DeepFeatures? deep = null) => (latents, time) =>
        unet.Forward(latents, Tensor.From([(float)time]).To(latents.Device), rows.Size(0) == latents.Size(0) ? rows : rows.Expand(latents.Size(0), rows.Size(1), rows.Size(2)), mask, deep: deep);

    /// <summary>
    /// Classifier-free guidance (Ho and Salimans 2022) round a denoiser of twice as many latents, whose first half is beside the negative rows: without + scale (with - without).
    /// </summary>
    public static Denoiser Guided(this Denoiser both, double scale) => (latents, time) =>
    {
        var halves = both(Tensor.Cat([latents, latents]), time).Chunk(2);
        return halves[0] + (halves[1] - halves[0]) * scale;
    };

    /// <summary>A UNet beside rows, guided away from the negative ones, both halves in one batch; a scale of 1 needs no negative half.</summary>
    /// <param name="unet">The network.</param>
    /// <param name="rows">[n, rows, width].</param>
    /// <param name="negative">As many, or one.</param>
    /// <param name="scale">Of the guidance.</param>
    /// <param name="mask">Hides some of <paramref name="rows"/>; of the negative ones all are seen.</param>
    /// <param name="deep">Reuses deep features between neighbouring calls.</param>
    public static Denoiser Guided(UNet unet, Tensor rows, Tensor negative, double scale, ContextMask? mask = null, DeepFeatures? deep = null)
    {
        if (scale == 1) return Of(unet, rows, mask, deep);
        var both = mask?.Keep is { } keep ? mask with { Keep = Tensor.Cat([keep.OnesLike(), keep]) } : mask;
        return Of(unet, Tensor.Cat([negative.Size(0) == rows.Size(0) ? negative : negative.Expand(rows.Shape), rows]), both, deep).Guided(scale);
    }
}
