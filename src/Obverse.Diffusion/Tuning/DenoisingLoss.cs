using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>What fine-tuning lowers: the squared error of a UNet's prediction for noisy latents beside the rows of a prompt (sd-ipc.md 6.4, eq. 9).</summary>
public static class DenoisingLoss
{
    /// <summary>The mean over rows, channels and places.</summary>
    public static Tensor Of(UNet unet, NoiseSchedule schedule, Tensor latents, Tensor rows, Tensor noise, ReadOnlySpan<long> times) => Errors(unet, schedule, latents, rows, noise, times).Mean();

    /// <summary>Each number's squared error, [n, channels, h, w].</summary>
    /// <param name="latents">Without noise, scaled as the UNet knows them.</param>
    /// <param name="rows">[n, rows, width].</param>
    /// <param name="noise">N(0, 1).</param>
    /// <param name="times">One a latent, 0 … 999.</param>
    public static Tensor Errors(UNet unet, NoiseSchedule schedule, Tensor latents, Tensor rows, Tensor noise, ReadOnlySpan<long> times)
    {
        var target = schedule.Prediction == Prediction.Epsilon ? noise : schedule.Velocity(latents, noise, times);
        return (unet.Forward(schedule.AddNoise(latents, noise, times), Tensor.From(times).To(latents.Device), rows) - target).Square();
    }

    /// <summary>The mean over the places that a mask shows, a picture at a time. The mask has one channel, so with four latent channels it is four times a plain mean, as in diffusers' train_custom_diffusion.py.</summary>
    /// <param name="errors">From <see cref="Errors"/>.</param>
    /// <param name="mask">[n, 1, h, w] of 1 (counts) and 0.</param>
    public static Tensor Masked(Tensor errors, Tensor mask) => ((errors * mask).Sum([1, 2, 3]) / mask.Sum([1, 2, 3])).Mean();
}
