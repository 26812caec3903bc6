using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Torch;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse train clipag`: adversarial fine-tuning of a CLIP (CLIPAG, FARE).</summary>
internal static class TrainClipagCommand
{
    public static Command Create(Screen screen)
    {
        var model = Flags.Model("The CLIP to start from: a folder or a zoo name.");
        var data = Flags.Text("--data", "SET", "Training pictures, from `obverse data pocket`. [default: pocket-data]");
        var objective = Flags.Parsed<RobustObjective?>("--objective", "clipag|fare|both", "Loss on attacked pictures: contrastive with captions (clipag), distance to the clean embedding (fare), or both. [default: clipag]",
            text => text switch { "clipag" => RobustObjective.Clipag, "fare" => RobustObjective.Fare, "both" => RobustObjective.Both, _ => throw new FormatException("clipag, fare or both was wanted") });
        var eps = Flags.Number("--eps", "E", "L2 bound of the perturbation, pixels in 0 … 1, at 224 px; scaled to E s/224 at side s. [default: 1.5]", 0, 1000);
        var attack = Flags.Whole("--steps", "Steps of the PGD attack. [default: 5]", 1, 1000);
        var step = Flags.Number("--step-size", "A", "Step size of the attack relative to eps. [default: 2.5 / steps]", 0.001, 10);
        var start = Flags.Switch("--random-start", "Start attacks at a random point of the ball.");
        var pairwise = Flags.Switch("--cosine", "For clipag: 1 - cosine of each pair instead of the contrastive loss over the batch.");
        var ramp = Flags.Number("--ramp", "F", "Fraction of training over which eps rises to its full value. [default: 0]", 0, 1);
        var side = Flags.Whole("--side", "Side of the pictures in pixels. [default: the model's]", 16, 2048);
        var batch = Flags.Whole("--batch", "Batch size. [default: 64]", 2, 65_536);
        var accumulate = Flags.Whole("--accumulate", "Batches per update (gradient accumulation). [default: 1]", 1, 65_536);
        var rate = Flags.Number("--rate", "R", "Learning rate. [default: 2e-5]", 1e-9, 1);
        var average = Flags.Number("--average", "D", "Decay of the exponential moving average of the weights; 0: no average. [default: 0]", 0, 0.99999);
        var share = Flags.Number("--share", "S", "Interpolation between original weights (0) and robust weights (1) in the saved model; a finished training can be saved again with another share. [default: 1]", 0, 1);
        var minutes = Flags.Number("--minutes", "M", "Minutes of training, interruptions not counted. [default: 60]", 0.01, 100_000);
        var updates = Flags.Whole("--updates", "Updates of the weights, instead of --minutes.", 1, 100_000_000);
        var classifier = Flags.Text("--classifier", "FILE", "Weights of the classifier that the image encoder was published with; it labels clean pictures instead of zero-shot ImageNet names.");
        var exam = Flags.Text("--exam", "ZIP", "Held-out photographs (name.wnid.jpg) for zero-shot accuracy before and after training, clean and under a 20-step attack.");
        var output = new Option<string?>("--out", "-o") { HelpName = "DIR", Description = "Folder for the robust model. [default: models/pocket-clipag]" };
        var work = Flags.Text("--work", "DIR", "Folder for checkpoint and log. [default: the model's folder with .work]");
        var seed = Flags.Seed(usual: "7");
        var threads = Flags.Threads();
        var json = Flags.Json();
        var command = new Command("clipag",
            """
            Fine-tune the image encoder of a CLIP adversarially: maximise the loss within an L2 ball, minimise it there.
            Gradients of a robust encoder are perceptually aligned: they draw shapes instead of texture (CLIPAG). The text
            encoder does not change. Ctrl-C leaves a checkpoint, and the same command resumes from it.

              obverse train clipag --model pocket-clip --data pocket-data --objective fare --eps 0.7 --steps 2 --rate 3e-4
              obverse train clipag --model ViT-B-32.safetensors --data pocket-data --eps 1.5 --steps 5 --accumulate 10
            """)
        {
            model, data, objective, eps, attack, step, start, pairwise, ramp, side, batch, accumulate, rate, average, share, minutes, updates, classifier, exam, output, work, seed, threads, json,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(minutes) is not null && parsed.GetValue(updates) is not null) throw new UsageException("give --minutes or --updates, not both");
            var name = parsed.GetValue(model) ?? LoadedModel.Default;
            var source = CliModels.Find(name, screen);
            foreach (var file in (string?[])[parsed.GetValue(classifier), parsed.GetValue(exam)])
                if (file is not null && !File.Exists(file)) throw new FileNotFoundException($"{file}: no such file");
            var folder = parsed.GetValue(output) ?? Path.Combine("models", "pocket-clipag");
            var working = parsed.GetValue(work) ?? folder.TrimEnd('/') + ".work";
            var basic = new AdversarialOptions();
            var options = basic with
            {
                Objective = parsed.GetValue(objective) ?? basic.Objective, Eps = parsed.GetValue(eps) ?? basic.Eps, AttackSteps = parsed.GetValue(attack) ?? basic.AttackSteps, StepOfEps = parsed.GetValue(step),
                RandomStart = parsed.GetValue(start), Pairwise = parsed.GetValue(pairwise), RampTo = parsed.GetValue(ramp) ?? 0, Side = parsed.GetValue(side) ?? SideOf(name, screen), Batch = parsed.GetValue(batch) ?? basic.Batch,
                Accumulate = parsed.GetValue(accumulate) ?? 1, Rate = parsed.GetValue(rate) ?? basic.Rate, Average = parsed.GetValue(average) ?? 0, Share = parsed.GetValue(share) ?? 1, Seed = (ulong)(parsed.GetValue(seed) ?? 7),
                Steps = parsed.GetValue(updates), Minutes = parsed.GetValue(updates) is null ? parsed.GetValue(minutes) ?? 60 : null, Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount,
            };
            using var alone = FileLock.TakeFolder(working);
            FileNames.MustBeWritable(Path.Combine(working, "log.png"), 16 << 20);
            var asJson = parsed.GetValue(json);
            var done = RobustClip.Train(source, parsed.GetValue(data) ?? "pocket-data", options, folder, working, parsed.GetValue(classifier), parsed.GetValue(exam), text =>
            {
                if (asJson) screen.Json(new { Event = "progress", Text = text });
                else screen.Progress(text);
            }, screen.Stop);
            var log = Path.Combine(working, "log.csv");
            if (File.Exists(log)) TrainingCurves.Draw(log, Path.GetFileName(folder)).Save(Path.Combine(working, "log.png"));
            if (done is not var (before, after)) return screen.Fail($"stopped; the checkpoint is in {working}, and the same command resumes from it", 1);
            if (asJson) screen.Json(new { Event = "result", Model = folder, Before = before, After = after });
            else screen.Say($"{folder}{(after is null ? "" : $"  {after} (before: {before})")}");
            return 0;
        });
        return command;
    }

    private static int SideOf(string name, Screen screen)
    {
        using var opened = CliModels.Open(screen, name, reads: false, sees: false);
        return opened.Encoder.Side;
    }
}
