using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Torch;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse train clipag`: a CLIP whose gradients mean something to the eye.</summary>
internal static class TrainClipagCommand
{
    public static Command Create(Screen screen)
    {
        static Option<double?> Real(string name, string what, string description, double low, double high) => Flags.Parsed<double?>(name, what, description,
            text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var x) && x >= low && x <= high ? x : throw new FormatException($"a number from {low} to {high} was wanted"));

        var model = Flags.Text("--model", "NAME", "The CLIP to begin with: a folder or a zoo name. [default: pocket-clip]");
        var data = Flags.Text("--data", "SET", "Its pictures: a set that `obverse data pocket` built. [default: pocket-data]");
        var objective = Flags.Parsed<RobustObjective?>("--objective", "clipag|fare|both", "What attacked pictures must keep: their captions, what the model saw before, or both. [default: clipag]",
            text => text switch { "clipag" => RobustObjective.Clipag, "fare" => RobustObjective.Fare, "both" => RobustObjective.Both, _ => throw new FormatException("clipag, fare or both was wanted") });
        var eps = Real("--eps", "E", "Longest perturbation, L2 over pixels in 0 … 1, at 224 px; at side s it is E s/224. [default: 1.5]", 0, 1000);
        var attack = Flags.Whole("--steps", "Steps of the attack. [default: 5]", 1, 1000);
        var step = Real("--step-size", "A", "Length of an attack's step as a part of eps. [default: 2.5 / steps]", 0.001, 10);
        var start = Flags.Switch("--random-start", "Attacks begin at a random place on the ball.");
        var pairwise = Flags.Switch("--cosine", "With captions: 1 - cosine of each pair in place of the contrast over the batch.");
        var ramp = Real("--ramp", "F", "Part of the run in which eps rises to its full length. [default: 0]", 0, 1);
        var side = Flags.Whole("--side", "Side of the pictures in pixels. [default: the model's]", 16, 2048);
        var batch = Flags.Whole("--batch", "Pictures at once. [default: 64]", 2, 65_536);
        var accumulate = Flags.Whole("--accumulate", "Batches in one update. [default: 1]", 1, 65_536);
        var rate = Real("--rate", "R", "Learning rate. [default: 2e-5]", 1e-9, 1);
        var average = Real("--average", "D", "Decay of the averaged weights that are kept in the end; 0 keeps the last. [default: 0]", 0, 0.99999);
        var share = Real("--share", "S", "Share of the robust weights in what is written, the rest being the model's as it was: a finished run called again with another share writes another mixture. [default: 1]", 0, 1);
        var minutes = Real("--minutes", "M", "Minutes of training, interruptions not counted. [default: 60]", 0.01, 100_000);
        var updates = Flags.Whole("--updates", "Updates of the weights, in place of minutes.", 1, 100_000_000);
        var classifier = Flags.Text("--classifier", "FILE", "Weights of the classifier that the picture side was published with: it says what clean pictures show, in place of ImageNet's names.");
        var exam = Flags.Text("--exam", "ZIP", "Held-out photographs (name.wnid.jpg), named before and after, clean and under 20 steps of attack.");
        var output = new Option<string?>("--out", "-o") { HelpName = "DIR", Description = "Where the robust model goes. [default: models/pocket-clipag]" };
        var work = Flags.Text("--work", "DIR", "Checkpoint and log. [default: beside the model, with .work]");
        var seed = Flags.Whole("--seed", "Where randomness begins. [default: 7]", 0, int.MaxValue);
        var threads = Flags.Whole("--threads", "Processor cores to use. [default: all]", 1, 1024);
        var json = Flags.Switch("--json", "Print progress and result as JSON lines.");
        var command = new Command("clipag",
            """
            Make a CLIP robust: perturb each picture so that its loss is as high as it gets within eps, then lower the loss
            there. The gradients of a robust tower draw shapes where an ordinary one's draw texture (CLIPAG). The text side
            stays as it is. Ctrl-C leaves a checkpoint, and the same command goes on from it.

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
            Directory.CreateDirectory(working);
            FileNames.MustBeWritable(Path.Combine(working, "log.png"), 16 << 20);
            var asJson = parsed.GetValue(json);
            var done = RobustClip.Train(source, parsed.GetValue(data) ?? "pocket-data", options, folder, working, parsed.GetValue(classifier), parsed.GetValue(exam), text =>
            {
                if (asJson) screen.Json(new { Event = "progress", Text = text });
                else screen.Error.WriteLine(text);
            }, screen.Stop);
            var log = Path.Combine(working, "log.csv");
            if (File.Exists(log)) TrainingCurves.Draw(log, Path.GetFileName(folder)).Save(Path.Combine(working, "log.png"));
            if (done is not var (before, after)) return screen.Fail($"stopped; the checkpoint is in {working}, and the same command goes on from it", 1);
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
