using Obverse;
using Obverse.Diffusion;
using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

public static class AskWithAPicture
{
    public static void Run()
    {
        using var sd = StableDiffusionModel.Load("pocket-sd");
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var clip = sd.Clip!;
        using var converter = new PromptConverter(clip.Weights.All["text_projection"]) { Length = PromptLength.Of(clip, NormRule.Script) };   // the pseudo-inverse (SD-IPC, eq. 6)
        var pixels = PictureBatches.ToTensor([new ClipPreprocess { Size = clip.ImageSize }.Pixels("apple.png")], clip.ImageSize);
        var empty = sd.TextRows([""]);                                                                                   // [1, 77, width]
        var rows = PromptConverter.Variation(converter.Convert(clip.EncodeImage(clip.Normalize(pixels))), empty);        // the picture's

        var sampler = Sampler.Named("dpm++2m");
        var plan = sampler.Plan(sd.Schedule, 10);
        using var random = new Generator(7);
        using var sampling = new Sampling(sampler, Denoisers.Guided(sd.UNet, rows, empty, sd.Guidance), sd.Schedule, plan, random.Normal(1, sd.AutoencoderConfig.LatentChannels, 8, 8) * plan.StartScale);
        foreach (var step in sampling.Run()) Console.Write($"\r{step.Index + 1}/{step.Count}");
        sd.Autoencoder.ToPictures(sampling.Latents).ToPicture().Save("variation.png");
    }
}
