using System.CommandLine;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse train vqgan`: a small VQGAN for the recipe vqgan.</summary>
internal static class TrainVqganCommand
{
    public static Command Create(Screen screen)
    {
        var data = Flags.Text("--data", "SET", "Training pictures, from `obverse data pocket`. [default: pocket-data]");
        var model = Flags.Model("The CLIP whose EfficientNet image encoder gives the features of the loss.");
        var side = Flags.Whole("--side", "Side of the training pictures in pixels, a multiple of the factor. [default: 64]", 16, 512);
        var widths = Flags.Parsed<int[]?>("--widths", "A,B,C", "Channels of each level, the finest first, multiples of 32; N levels make a code stand for 2^(N-1) pixels. [default: 32,64,128]", text =>
            text.Split(',').Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var width) && width is > 0 and <= 1024 && width % 32 == 0 ? width : throw new FormatException("multiples of 32 up to 1024, separated by commas, were wanted")).ToArray() is { Length: >= 2 and <= 6 } all ? all : throw new FormatException("2 to 6 widths were wanted"));
        var codes = Flags.Whole("--codes", "Rows of the codebook. [default: 1024]", 2, 65_536);
        var features = Flags.Number("--features", "W", "Weight of the distance of features. [default: 0.5]", 0, 100);
        var batch = Flags.Whole("--batch", "Batch size. [default: 8]", 1, 4096);
        var rate = Flags.Number("--rate", "R", "Learning rate. [default: 0.001]", 1e-9, 1);
        var minutes = Flags.Number("--minutes", "M", "Minutes of training, interruptions not counted. [default: 35]", 0.01, 100_000);
        var updates = Flags.Whole("--updates", "Updates of the weights, instead of --minutes.", 1, 100_000_000);
        var exam = Flags.Text("--exam", "ZIP", "Held-out photographs: PSNR and feature distance at the end.");
        var examiner = Flags.Text("--examiner", "FILE", "Weights of the EfficientNet-Lite that measures the feature distance at the end. [default: pocket-judge's]");
        var output = new Option<string?>("--out", "-o") { HelpName = "DIR", Description = "Folder for the model. [default: models/pocket-vqgan]" };
        var work = Flags.Text("--work", "DIR", "Folder for checkpoint and log. [default: the model's folder with .work]");
        var seed = Flags.Seed(usual: "7");
        var threads = Flags.Threads();
        var json = Flags.Json();
        var command = new Command("vqgan",
            """
            Train a small VQGAN under taming-transformers' key names: pixels, features of an image encoder and commitment,
            no discriminator; codes that nothing uses are revived. Ctrl-C leaves a checkpoint, and the same command resumes
            from it. The recipe vqgan draws with it.

              obverse train vqgan --data pocket-data --minutes 60
              obverse train vqgan --data pocket-data --widths 32,64,128,128 --codes 1024 --exam photos.zip -o my-vqgan
            """)
        {
            data, model, side, widths, codes, features, batch, rate, minutes, updates, exam, examiner, output, work, seed, threads, json,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(minutes) is not null && parsed.GetValue(updates) is not null) throw new UsageException("give --minutes or --updates, not both");
            foreach (var file in (string?[])[parsed.GetValue(exam), parsed.GetValue(examiner)])
                if (file is not null && !File.Exists(file)) throw new FileNotFoundException($"{file}: no such file");
            var basic = new VqganOptions();
            var options = basic with
            {
                Side = parsed.GetValue(side) ?? basic.Side, Widths = parsed.GetValue(widths) is { Length: > 0 } given ? given : basic.Widths, Codes = parsed.GetValue(codes) ?? basic.Codes, FeatureWeight = parsed.GetValue(features) ?? basic.FeatureWeight,
                Batch = parsed.GetValue(batch) ?? basic.Batch, Rate = parsed.GetValue(rate) ?? basic.Rate, Seed = (ulong)(parsed.GetValue(seed) ?? 7), Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount,
                Steps = parsed.GetValue(updates), Minutes = parsed.GetValue(updates) is null ? parsed.GetValue(minutes) ?? 35 : null,
            };
            if (options.Side % options.Config.Factor != 0) throw new UsageException($"--side: {options.Side} was given; with {options.Widths.Count} levels a multiple of {options.Config.Factor} was wanted");
            var folder = parsed.GetValue(output) ?? Path.Combine("models", "pocket-vqgan");
            var working = parsed.GetValue(work) ?? folder.TrimEnd('/') + ".work";
            Directory.CreateDirectory(working);
            Directory.CreateDirectory(folder);
            FileNames.MustBeWritable(Path.Combine(working, "log.png"), 16 << 20);
            var weights = Path.Combine(folder, "model.safetensors");
            FileNames.MustBeWritable(weights, 32 << 20);
            return Train(screen, parsed.GetValue(data) ?? "pocket-data", parsed.GetValue(model) ?? LoadedModel.Default, options, folder, weights, working, parsed.GetValue(exam), parsed.GetValue(examiner), parsed.GetValue(json));
        });
        return command;
    }

    private static int Train(Screen screen, string data, string model, VqganOptions options, string folder, string weights, string working, string? exam, string? examiner, bool asJson)
    {
        using var set = PictureSet.Open(data, PocketClip.DecodeJpeg);
        using var seen = CliModels.Open(screen, model, reads: false);
        using var features = FeatureDistance.Of(seen.Encoder.Model, model);
        using var training = new VqganTraining(options, features);
        void Say(string text)
        {
            if (asJson) screen.Json(new { Event = "progress", Text = text });
            else screen.Progress(text);
        }

        Say(FormattableString.Invariant($"{training.Model.Parameters.Values.Sum(t => t.Elements) / 1e6:F2} M parameters, a code stands for {options.Config.Factor}x{options.Config.Factor} pixels"));
        var finished = training.Run(set, working, step => Say(FormattableString.Invariant($"update {step.Step}, {step.Fraction:P1}, {step.Left?.TotalMinutes:F0} min left, {step.StringsPerSecond:F1} pictures/s, loss {step.Loss:F4} {string.Join(" ", step.Parts.Select(part => FormattableString.Invariant($"{part.Key} {part.Value:F3}")))}")),
            () => training.Save(weights), screen.Stop);
        var log = Path.Combine(working, "log.csv");
        if (File.Exists(log)) TrainingCurves.Draw(log, Path.GetFileName(folder)).Save(Path.Combine(working, "log.png"));
        if (!finished) return screen.Fail($"stopped; the checkpoint is in {working}, and the same command resumes from it", 1);
        VqganQuality? quality = null;
        if (exam is not null)
        {
            using var judge = examiner is null ? CliModels.Open(screen, LoadedModel.JudgeName, reads: false) : null;
            using var distance = judge is null ? FeatureDistance.Load(examiner!) : FeatureDistance.Of(judge.Encoder.Model, LoadedModel.JudgeName);
            quality = VqganQuality.Measure(training.Model, exam, options.Side, distance);
        }

        if (asJson) screen.Json(new { Event = "result", Model = folder, Quality = quality });
        else screen.Say($"{folder}{(quality is null ? "" : $"  {quality}")}");
        return 0;
    }
}
