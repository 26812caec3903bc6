using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse ablate`: what each part of a method contributes.</summary>
internal static class AblateCommand
{
    public static Command Create(Screen screen)
    {
        var captions = new Option<string>("--captions") { HelpName = "FILE", Description = "Captions to draw, one per line.", Required = true };
        var count = Flags.Whole("--n", "N captions, spread evenly over the file. [default: all]", 1, 1_000_000);
        var output = new Option<string>("--out", "-o") { HelpName = "FOLDER", Description = "Folder for pictures, measurements, table, CSV and contact sheet; pictures already there are not drawn again.", Required = true };
        var variants = Flags.Text("--variants", "A,B", $"Variants to compare; the first is the baseline. [default: {string.Join(",", Ablations.Usual)}]");
        var reportOnly = Flags.Switch("--report", "Draw nothing; write the table for the captions that every variant has.");
        var options = new DrawingOptions();
        var size = Flags.Whole("--size", "Side of the pictures in pixels. [default: 96]", 32, 1024);
        var plainBank = Flags.Text("--plain-bank", "FILE", "The same bank fitted without weight perturbation (`bank build --no-awp`), for the variant no-awp.");
        var real = Flags.Text("--real", "FOLDER|ZIP", "Real pictures, for the Fréchet distance.");
        var features = Flags.Text("--features", "FILE", "The network of the Fréchet distance, as `eval fid --network` takes it: an EfficientNet-Lite's file, Inception's, a CLIP. [default: the judge]");
        var shard = Flags.Shard("Draw only every N-th caption, from the I-th on; the table counts all shards.");
        var judge = Flags.Judge();
        var workers = Flags.Workers();
        var command = new Command("ablate",
            """
            Measure what each part of CLIP^-1 contributes. The same captions are drawn with and without each part, and with
            the pixel baselines. Reports CLIPSIM under the drawing model, log-probability and rank under the judge in
            low-pass views and at full resolution, and the Fréchet distance to real pictures. If interrupted, the same
            command resumes; with --shard several machines share the captions.

              obverse ablate --captions captions.txt --n 48 --bank bank.safetensors --plain-bank plain.safetensors -o out
              obverse ablate --captions captions.txt --variants plain,pyramid,das,clip-inv --quality draft --shard 1/2 -o out
            """)
        {
            captions, count, output, variants, reportOnly, options.Steps, options.Quality, size, options.Seed, options.Bank, plainBank, real, features, shard, options.Model, judge, workers, options.Threads, options.Device, options.Precision,
        };
        command.SetAction(parsed =>
        {
            var file = parsed.GetRequiredValue(captions);
            string[] lines = [.. TextLines.Read(file, screen.Stop).Where(line => line.Length > 0)];
            if (lines.Length == 0) throw new UsageException($"{file}: holds no captions");
            if (parsed.GetValue(count) is { } n) lines = [.. Ablation.Spread(lines, n, file)];
            var request = options.Request(parsed);
            var (banked, plain) = (request.Bank ?? ZooBank.Of(request.Models.FirstOrDefault()), parsed.GetValue(plainBank));
            CanvasPlan? plan = banked is null ? null : InrBank.PlanOf(banked);
            if (plain is not null && !InrBank.PlanOf(plain).Equals(plan)) throw new UsageException($"{plain}: holds {InrBank.PlanOf(plain)}; {banked ?? "no --bank was given"} holds {plan}");
            var side = parsed.GetValue(size) ?? 96;
            var all = Ablations.All(request.Steps, plan, request.Quality ?? Quality.Normal, side);
            var asked = DrawingOptions.Names(parsed.GetValue(variants));
            string[] usual = [.. Ablations.Usual.Where(name => banked is not null || !all.First(v => v.Name == name).NeedsBank).Where(name => plain is not null || !all.First(v => v.Name == name).PlainBank)];
            if (asked.Count == 0 && usual.Length < Ablations.Usual.Count) screen.Note($"left out: {string.Join(", ", Ablations.Usual.Except(usual))} (give {(banked is null ? "--bank and " : "")}--plain-bank)");
            var chosen = Ablations.Chosen(asked.Count > 0 ? asked : usual, all, banked, plain);
            var judgeName = parsed.GetValue(judge) ?? LoadedModel.JudgeName;
            using var workshop = CliModels.Workshop(screen, Cores.ThreadsOf(parsed.GetValue(workers) == 1 ? 1 : null, parsed.GetValue(options.Threads)), parsed.GetValue(options.Device), parsed.GetValue(options.Precision));
            workshop.Find(judgeName);
            using var pictures = parsed.GetValue(real) is { } from ? PictureSource.Open(from) : null;
            using var seen = pictures is null ? null : FeatureNetwork.Load(parsed.GetValue(features) ?? judgeName, pooled: true, device: parsed.GetValue(options.Device));
            var drawing = workshop.Model(request.Model);
            using var judging = workshop.Judge(judgeName);
            var ablation = new Ablation
            {
                Folder = parsed.GetRequiredValue(output), Captions = lines, Variants = chosen, Request = request with { Bank = banked, Size = new(side, side), Models = [request.Model], Steps = null },
                JudgeSha256 = StoredFile.Hash(Zoo.WeightsFile(judgeName)), Shard = parsed.GetValue(shard) ?? (1, 1), PlainBank = plain, Workers = Cores.WorkersOf(parsed.GetValue(workers), parsed.GetValue(options.Threads)),
            };
            using var alone = parsed.GetValue(reportOnly) ? null : FileLock.TakeFolder(ablation.Folder, ablation.Shard);
            var watch = Stopwatch.StartNew();
            var made = 0;
            if (!parsed.GetValue(reportOnly)) ablation.Draw(workshop, judging, (entry, done, of) =>
            {
                var left = watch.Elapsed.TotalSeconds / ++made * (of - done);
                screen.Note(string.Create(CultureInfo.InvariantCulture, $"{done}/{of} {entry.Variant} \"{lines[entry.Caption]}\": rank {entry.Rank}, full resolution {entry.FullRank}, {entry.Seconds:F1} s; about {Durations.Show(left)} left"));
            }, screen.Stop);
            screen.SayLines(ablation.Report(drawing.Encoder, judging, seen, pictures, Path.GetFileName(parsed.GetValue(real)?.TrimEnd('/')) ?? "", line => screen.Note($"left out: {line}")));
            return 0;
        });
        return command;
    }
}
