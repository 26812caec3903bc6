using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse train clipag-sweep`: how large the threat model should be, and which loss.</summary>
internal static class TrainClipagSweepCommand
{
    public static Command Create(Screen screen)
    {
        var model = Flags.Model("The CLIP to start from: a folder or a zoo name.");
        var data = Flags.Text("--data", "SET", "Training pictures, from `obverse data pocket`. [default: pocket-data]");
        var exam = Flags.Text("--exam", "ZIP", "Held-out photographs (name.wnid.jpg) for accuracy, clean and under a 20-step attack.");
        var eps = Flags.Parsed<double[]?>("--eps", "E,F,G", "The bounds, L2 at 224 px. [default: 0,0.35,0.7,1.05,1.4,2.1]", text => [.. text.Split(',').Select(part => double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var e) && e is >= 0 and <= 1000 ? e : throw new FormatException("numbers from 0 to 1000, separated by commas, were wanted"))]);
        var objectives = Flags.Text("--objectives", "A,B", "Of clipag, fare, both. [default: clipag,fare,both]");
        var minutes = Flags.Number("--minutes", "M", "Minutes of training of each cell. [default: 5]", 0.01, 100_000);
        var updates = Flags.Whole("--updates", "Updates of each cell, instead of --minutes: the same on every machine.", 1, 100_000_000);
        var attacked = Flags.Number("--exam-eps", "E", "The bound of the 20-step attack of the exam, the same for every cell. [default: 0.7]", 0, 1000);
        var every = Flags.Whole("--exam-every", "Only every N-th picture of the exam. [default: 4]", 1, 1000);
        var names = Flags.Whole("--names", "Names for the aligned gradients. [default: 50]", 2, 998);
        var drawings = Flags.Whole("--drawings", "Names that are drawn. [default: 24]", 2, 998);
        var side = Flags.Whole("--side", "Side of the pictures in pixels. [default: 96]", 16, 2048);
        var batch = Flags.Whole("--batch", "Batch size. [default: 48]", 2, 65_536);
        var attack = Flags.Whole("--steps", "Steps of the PGD attack in training. [default: 2]", 1, 1000);
        var rate = Flags.Number("--rate", "R", "Learning rate. [default: 3e-4]", 1e-9, 1);
        var judge = Flags.Judge();
        var output = new Option<string?>("--out", "-o") { HelpName = "DIR", Description = "Folder for models, table and plots; cells already measured are not trained again. [default: clipag-sweep]" };
        var seed = Flags.Seed(usual: "7");
        var threads = Flags.Threads();
        var command = new Command("clipag-sweep",
            """
            Train a CLIP adversarially for every bound eps and every loss, with the same budget each, and measure what comes
            out: zero-shot accuracy clean and under attack, the judge's gain of 20 ascent steps (aligned gradients), and the
            judge's accuracy of pictures drawn from nothing. A table with 95 % intervals and a plot. If interrupted, the same
            command resumes.

              obverse train clipag-sweep --data pocket-data --exam photos.zip --minutes 5 -o sweep
              obverse train clipag-sweep --eps 0,0.7,1.4 --objectives fare --updates 500 --exam photos.zip
            """)
        {
            model, data, exam, eps, objectives, minutes, updates, attacked, every, names, drawings, side, batch, attack, rate, judge, output, seed, threads,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(minutes) is not null && parsed.GetValue(updates) is not null) throw new UsageException("give --minutes or --updates, not both");
            if (parsed.GetValue(exam) is not { } photos) throw new UsageException("--exam is missing: held-out photographs, a zip of name.wnid.jpg");
            if (!File.Exists(photos)) throw new FileNotFoundException($"{photos}: no such file");
            RobustObjective[] losses = [.. (DrawingOptions.Names(parsed.GetValue(objectives)) is { Count: > 0 } asked ? asked : ["clipag", "fare", "both"]).Select(text => Enum.TryParse<RobustObjective>(text, true, out var one) && !int.TryParse(text, out _) ? one : throw new UsageException($"--objectives: '{text}' was given; clipag, fare or both was wanted"))];
            var sweep = new ThreatSweep
            {
                Folder = parsed.GetValue(output) ?? "clipag-sweep", Model = CliModels.Find(parsed.GetValue(model) ?? LoadedModel.Default, screen), Pictures = parsed.GetValue(data) ?? "pocket-data", Exam = photos,
                Judge = CliModels.Find(parsed.GetValue(judge) ?? LoadedModel.JudgeName, screen), Names = parsed.GetValue(names) ?? 50, Drawings = parsed.GetValue(drawings) ?? 24, ExamEps = parsed.GetValue(attacked) ?? 0.7, ExamEvery = parsed.GetValue(every) ?? 4,
                Options = new()
                {
                    AttackSteps = parsed.GetValue(attack) ?? 2, StepOfEps = 0.7, RandomStart = true, RampTo = 0.15, Side = parsed.GetValue(side) ?? 96, Batch = parsed.GetValue(batch) ?? 48, Rate = parsed.GetValue(rate) ?? 3e-4, Average = 0.99,
                    Seed = (ulong)(parsed.GetValue(seed) ?? 7), Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount, Steps = parsed.GetValue(updates), Minutes = parsed.GetValue(updates) is null ? parsed.GetValue(minutes) ?? 5 : null,
                },
            };
            using var alone = FileLock.TakeFolder(sweep.Folder);
            using var workshop = CliModels.Workshop(screen, parsed.GetValue(threads), null, null);
            double[] bounds = parsed.GetValue(eps) is { Length: > 0 } given ? given : [0, 0.35, 0.7, 1.05, 1.4, 2.1];
            if (!sweep.Run(workshop, losses, bounds, screen.Progress, screen.Stop)) return screen.Fail($"stopped; what is done is in {sweep.Folder}, and the same command resumes", 1);
            screen.SayLines(File.ReadAllText(Path.Combine(sweep.Folder, "table.md")));
            screen.Say(Path.Combine(sweep.Folder, "sweep.png"));
            return 0;
        });
        return command;
    }
}
