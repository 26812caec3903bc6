using System.CommandLine;
using Obverse.Diffusion;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse train diffusion`: the UNet of a small Stable Diffusion.</summary>
internal static class TrainDiffusionCommand
{
    public static Command Create(Screen screen)
    {
        var data = Flags.Text("--data", "SET", "Training pictures, from `obverse data pocket`. [default: pocket-data]");
        var model = Flags.Model("The CLIP whose text encoder conditions the UNet.");
        var channels = TrainingOptions.Channels("32,64,128", "all but the first level have attention");
        var blocks = Flags.Whole("--blocks", "Residual blocks of a level. [default: 1]", 1, 8);
        var prediction = Flags.Parsed<Prediction?>("--prediction", "epsilon|v", "What the UNet predicts: the noise or the velocity. [default: v]", text => text switch { "epsilon" => Prediction.Epsilon, "v" => Prediction.Velocity, _ => throw new FormatException("epsilon or v was wanted") });
        var schedule = Flags.Parsed<BetaSchedule?>("--schedule", "scaled|linear|cosine", "Noise schedule: Stable Diffusion's scaled linear, linear, or squared cosine. [default: scaled]",
            text => text switch { "scaled" => BetaSchedule.ScaledLinear, "linear" => BetaSchedule.Linear, "cosine" => BetaSchedule.Cosine, _ => throw new FormatException("scaled, linear or cosine was wanted") });
        var snr = Flags.Number("--min-snr", "G", "Gamma of the min-SNR loss weighting; 0: none. [default: 5]", 0, 1e6);
        var dropout = Flags.Number("--caption-dropout", "P", "Probability of training on an empty caption, for classifier-free guidance. [default: 0.1]", 0, 1);
        var drawings = Flags.Number("--drawings", "P", "Fraction of drawings in a batch; the others are photographs. [default: 0.7]", 0, 1);
        var rows = Flags.Whole("--rows", "Tokens of a prompt that the UNet sees; longer prompts are cut. [default: 24]", 4, 77);
        var photos = Flags.Whole("--photos-per-class", "Photographs of a class to train on. [default: 50]", 1, 1_000_000);
        var recognised = Flags.Whole("--best-recognised", "Of each name only the N photographs and N drawings whose copies through the autoencoder the CLIP recognises best; 0: all. [default: 0]", 0, 1_000_000);
        var pictured = Flags.Number("--picture-prompts", "P", "Fraction of a batch whose prompt is the picture itself, converted as `obverse vary` does, in place of a caption; of all pictures. [default: 0]", 0, 1);
        var start = Flags.Text("--start", "FOLDER", "A folder unet of the same shape, whose weights are the start.");
        var known = Flags.Switch("--imagenet-names", "Train on pictures whose names are among ImageNet's 1,000 classes alone.");
        var loop = new TrainingOptions(batch: 32, rate: "0.001", minutes: 60);
        var command = new Command("diffusion",
            """
            Train the UNet of a small Stable Diffusion on the latents of `obverse train vae` and the text encoder of a CLIP.
            Latents and text rows are cached first. Ctrl-C leaves a checkpoint, and the same command resumes from it. The
            averaged weights are written with every checkpoint.

              obverse train vae --data pocket-data --minutes 15 -o models/pocket-sd
              obverse train diffusion --data pocket-data --minutes 60 -o models/pocket-sd
            """)
        {
            data, model, channels, blocks, prediction, schedule, snr, dropout, drawings, rows, photos, recognised, pictured, start, known,
        };
        loop.AddTo(command);
        command.SetAction(parsed =>
        {
            var basic = new DiffusionOptions();
            var widths = parsed.GetValue(channels) ?? basic.Channels;
            if (widths.FirstOrDefault(width => width % basic.Groups != 0) is > 0 and var odd) throw new UsageException($"--channels: {odd} was given, multiples of {basic.Groups} are wanted");
            var options = loop.Apply(parsed, basic with
            {
                Channels = widths, Attention = [.. widths.Select((_, i) => widths.Count == 1 || i > 0)], LayersPerBlock = parsed.GetValue(blocks) ?? basic.LayersPerBlock, Prediction = parsed.GetValue(prediction) ?? basic.Prediction,
                Betas = parsed.GetValue(schedule) ?? basic.Betas, MinSnr = parsed.GetValue(snr) ?? basic.MinSnr, CaptionDropout = parsed.GetValue(dropout) ?? basic.CaptionDropout, Drawings = parsed.GetValue(drawings) ?? basic.Drawings,
                ImageNetNames = parsed.GetValue(known), Rows = parsed.GetValue(rows) ?? basic.Rows, PhotosPerClass = parsed.GetValue(photos) ?? basic.PhotosPerClass, BestRecognised = parsed.GetValue(recognised) ?? 0, PicturePrompts = parsed.GetValue(pictured) ?? 0, Start = parsed.GetValue(start),
            });
            return loop.Run(screen, parsed, "diffusion", (output, work, report) =>
            {
                if (!Directory.Exists(Path.Combine(output, "vae"))) throw new FileNotFoundException($"{output}: no folder vae; `obverse train vae -o {output}` makes it");
                var named = CliModels.Find(parsed.GetValue(model) ?? LoadedModel.Default, screen);
                if (options.PicturePrompts > 0)
                {
                    using var clip = ClipModel.Open(named);
                    options = options with { PictureLength = PromptLength.Of(clip, NormRule.Script) };
                }

                return DiffusionTraining.Train(parsed.GetValue(data) ?? "pocket-data", named, options, output, work, screen.Progress, report, screen.Stop);
            });
        });
        return command;
    }
}
