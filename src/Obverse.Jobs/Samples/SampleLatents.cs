using Obverse.Diffusion;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>Where a sample begins: noise, or a picture's latents with noise; with a mask also what is outside it after every step, and in the finished picture.</summary>
internal sealed class SampleLatents : IDisposable
{
    private const ulong StartNoise = 500, StepNoise = 501, EncodeNoise = 502;
    private readonly SampleJob job;
    private readonly SamplingPlan plan;
    private readonly AutoencoderTiles? tiles;
    private readonly Tensor noise;
    private readonly Tensor? picture, latents, mask, inside; // [1, 3, H, W], [1, c, h, w], [1, 1, H, W], [1, 1, h, w]

    public SampleLatents(SampleJob job, StableDiffusionModel model, SamplingPlan plan)
    {
        (this.job, this.plan) = (job, plan);
        var stride = model.Autoencoder.Config.Stride;
        var (height, width) = (job.Height / stride, job.Width / stride);
        tiles = AutoencoderTiles.For(model.Autoencoder.Config, job.Height, job.Width);
        noise = Tensor.Owned(() => Generator.For(job.Seed, StartNoise).Normal(1, model.UNet.Config.InChannels, height, width).To(model.Autoencoder.Device));
        if (job.Start is not { } from) return;
        Tensor Still(Func<Tensor> make) => Tensor.Owned(() =>
        {
            using var still = new NoGrad();
            return make();
        });
        picture = Still(() => from.Picture.Load().OnWhite().ToTensor().Resize(job.Height, job.Width, Interpolation.Bicubic, antialias: true).Clamp(0, 1));
        latents = Still(() => model.Autoencoder.ToLatents(picture.To(noise.Device), Generator.For(job.Seed, EncodeNoise).Normal(noise.Shape).To(noise.Device), tiles));
        if (from.Mask is not { } file) return;
        mask = Still(() => file.Load().MaskPlane(job.Height, job.Width).Clone());
        // A latent changes where any of its pixels may: the finished picture is cut along the mask's own edge.
        inside = Still(() => (mask.MaxPool2d(stride) > 1e-3).To(DType.Float32).To(noise.Device));
    }

    /// <summary>What the first step begins with.</summary>
    public Tensor Start() => latents is null ? noise * plan.StartScale : Sampler.Noised(plan, latents, noise);

    /// <summary>Noise for samplers that add some on the way: a function of the call, so that a checkpoint needs no generator.</summary>
    public Tensor Noise(int call) => Generator.For(job.Seed, StepNoise, (ulong)call).Normal(noise.Shape).To(noise.Device);

    /// <summary>Outside the mask the picture's own latents, with the noise of a call.</summary>
    public Tensor Constrain(Tensor found, int call) => inside is null ? found : found * inside + Sampler.Noised(plan, latents!, noise, call) * (1 - inside);

    /// <summary>The picture of latents; outside the mask it is the start picture, to the bit.</summary>
    public Picture Decoded(StableDiffusionModel model, Tensor found)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var drawn = model.Autoencoder.ToPictures(found, tiles).To(Torch.Device.Cpu);
        return (mask is null ? drawn : drawn * mask + picture! * (1 - mask)).ToPicture();
    }

    public void Dispose()
    {
        foreach (var tensor in new[] { noise, picture, latents, mask, inside }) tensor?.Dispose();
    }
}
