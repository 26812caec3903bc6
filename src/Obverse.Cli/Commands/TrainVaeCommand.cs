using System.CommandLine;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse train vae`: the autoencoder of a small Stable Diffusion.</summary>
internal static class TrainVaeCommand
{
    public static Command Create(Screen screen)
    {
        var data = Flags.Text("--data", "SET", "Training pictures, from `obverse data pocket`. [default: pocket-data]");
        var model = Flags.Model("The CLIP whose first stages measure the perceptual part of the loss; it must have an EfficientNet tower.");
        var side = Flags.Whole("--side", "Side of the pictures in pixels. [default: 32]", 16, 512);
        var crop = Flags.Whole("--crop", "Side of the random crop that a step sees of each picture. [default: half of --side]", 8, 512);
        var latents = Flags.Whole("--latent-channels", "Channels of a latent. [default: 6]", 1, 64);
        var channels = TrainingOptions.Channels("16,32", "the latents' side is the picture's over 2^(levels - 1)");
        var random = Flags.Switch("--random-start", "Learn the encoder from noise too; else one of two levels and 6 latent channels has a Haar transform for encoder, and only the decoder learns.");
        var perceptual = Flags.Number("--perceptual", "W", "Weight of the perceptual distance; 0: none. [default: 0]", 0, 1000);
        var divergence = Flags.Number("--kl", "W", "Weight of the KL divergence from a unit Gaussian, per latent element. [default: 0.001]", 0, 1000);
        var loop = new TrainingOptions(batch: 16, rate: "0.002", minutes: 15);
        var command = new Command("vae",
            """
            Train the autoencoder (AutoencoderKL) of a small Stable Diffusion: pictures to latents and back. Ctrl-C leaves a
            checkpoint, and the same command resumes from it. `vae/` is written with every checkpoint.

              obverse train vae --data pocket-data --minutes 15 -o models/pocket-sd
              obverse train diffusion --data pocket-data --minutes 60 -o models/pocket-sd
            """)
        {
            data, model, side, crop, latents, channels, random, perceptual, divergence,
        };
        loop.AddTo(command);
        command.SetAction(parsed =>
        {
            var basic = new AutoencoderOptions();
            var options = loop.Apply(parsed, basic with
            {
                Side = parsed.GetValue(side) ?? basic.Side, Crop = parsed.GetValue(crop) ?? (parsed.GetValue(side) ?? basic.Side) / 2, LatentChannels = parsed.GetValue(latents) ?? basic.LatentChannels, Channels = parsed.GetValue(channels) ?? basic.Channels,
                Analytic = !parsed.GetValue(random), PerceptualWeight = parsed.GetValue(perceptual) ?? basic.PerceptualWeight, DivergenceWeight = parsed.GetValue(divergence) ?? basic.DivergenceWeight,
            });
            if (options.Side % options.Config.Stride != 0) throw new UsageException($"--side {options.Side}: a multiple of {options.Config.Stride} is wanted with {options.Channels.Count} levels");
            if (options.Crop > options.Side || options.Crop % options.Config.Stride != 0) throw new UsageException($"--crop {options.Crop}: a multiple of {options.Config.Stride} up to {options.Side} is wanted");
            return loop.Run(screen, parsed, "vae", (output, work, report) =>
                AutoencoderTraining.Train(parsed.GetValue(data) ?? "pocket-data", CliModels.Find(parsed.GetValue(model) ?? LoadedModel.Default, screen), options, output, work, report, screen.Stop));
        });
        return command;
    }
}
