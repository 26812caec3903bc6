using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse batch`: a file of prompts becomes a folder of pictures.</summary>
internal static class BatchCommand
{
    private const int Shown = 60;

    public static Command Create(Screen screen)
    {
        var prompts = new Argument<string>("FILE") { Description = "A prompt a line; or .jsonl: {\"prompt\": …, \"seed\": …, \"file\": …}, captions.jsonl of a picture set too. \"-\" reads standard input." };
        var output = new Option<string>("--out", "-o") { HelpName = "FOLDER", Description = "Where the pictures go; what is there already is not made again.", Required = true };
        var recipe = Flags.Text("--recipe", "NAME", $"How to draw. [default: {ZooBank.UsualRecipe}]");
        var model = Flags.Text("--model", "MODEL", "Which CLIP looks. [default: pocket-clipag]");
        var bank = Flags.Text("--bank", "FILE", ZooBank.Description);
        var quality = InvertCommand.QualityOption("[default: normal]");
        var steps = Flags.Whole("--steps", "How many steps to take.", 1, 1_000_000);
        var views = Flags.Whole("--views", "How many views a step looks at.", 1, 1024);
        var exact = Flags.Switch("--exact", "Every step whole: no coarser rendering and no fewer views while coarse layers move. Slower.");
        var size = Flags.Parsed<PictureSize?>("--size", "N|WxH", "Size to draw at. [default: the model's own]", text => PictureSize.Parse(text));
        var seed = Flags.Whole("--seed", "For every line that has none of its own. [default: 0]", 0, int.MaxValue);
        var shard = Flags.Parsed<(int Index, int Of)?>("--shard", "I/N", "Every N-th line from the I-th only: several machines share a file.", AblateCommand.Shard);
        var workers = Flags.Whole("--workers", "Pictures side by side, a core each. [default: all cores]", 1, 1024);
        var threads = Flags.Whole("--threads", "Processor cores that one picture shares, in place of --workers.", 1, 1024);
        var device = Flags.Device();
        var precision = Flags.Precision();
        var json = Flags.Switch("--json", "Print a JSON line a picture.");
        var command = new Command("batch",
            """
            Draw every prompt of a file, several side by side. Stop it, kill it, call it again: finished pictures are kept
            and not drawn twice. Each PNG holds its run, as those of `obverse invert` do; sheet.png shows the first ones.

              obverse batch captions.txt -o out
              obverse batch prompts.jsonl -o out --quality draft --shard 1/4
            """)
        {
            prompts, output, recipe, model, bank, quality, steps, views, exact, size, seed, shard, workers, threads, device, precision, json,
        };
        command.SetAction(parsed =>
        {
            var folder = parsed.GetRequiredValue(output);
            var items = BatchLines.Read(parsed.GetRequiredValue(prompts));
            var (part, of) = parsed.GetValue(shard) ?? (1, 1);
            BatchItem[] mine = [.. items.Where((_, i) => i % of == part - 1)];
            var name = parsed.GetValue(recipe) ?? ZooBank.Recipe(parsed.GetValue(bank), parsed.GetValue(model));
            var banked = ZooBank.For(Recipes.Named(name), parsed.GetValue(bank), parsed.GetValue(model));
            var side = parsed.GetValue(workers);
            var count = Math.Min(InvertSession.WorkersOf(side, parsed.GetValue(threads)), mine.Length);
            Directory.CreateDirectory(folder);
            using var loaded = LoadedModel.Open(screen, parsed.GetValue(model) ?? LoadedModel.Drawing, InvertSession.ThreadsOf(count > 1 ? count : side, parsed.GetValue(threads)), device: parsed.GetValue(device), precision: parsed.GetValue(precision) ?? Precision.Auto);
            CutTexts.Tell(screen, loaded, items.SelectMany(item => item.Prompt.Texts.Select(text => text.Text!)).Distinct());
            var level = parsed.GetValue(quality) ?? Quality.Normal;
            var square = InvertSession.SideFor(level, loaded.Encoder.Side);
            var (width, height) = parsed.GetValue(size) is { } asked ? (asked.Width, asked.Height) : (square, square);
            var drawn = Recipes.Named(name, level, width, height);
            if (parsed.GetValue(steps) is { } howMany) drawn = drawn.Steps(howMany);
            if (parsed.GetValue(views) is { } copies) drawn = drawn.Copies(copies);
            if (parsed.GetValue(exact)) drawn = drawn with { Pace = null };
            using var opened = banked is null ? null : InrBank.Open(banked, parsed.GetValue(device));
            drawn = drawn.On(opened?.Plan);
            var file = banked is null ? null : InrBank.Describe(banked);
            var (sha256, words) = (loaded.Sha256, loaded.WordsSha256);
            Run Of(BatchItem item) => new()
            {
                Recipe = drawn, Prompt = item.Prompt, Model = loaded.Name, ModelSha256 = sha256, WordsSha256 = words, Precision = loaded.Precision, Width = width, Height = height, Seed = item.Seed ?? (ulong)(parsed.GetValue(seed) ?? 0), Bank = file,
                Device = parsed.GetValue(device) is null or { Type: DeviceType.Cpu } ? null : parsed.GetValue(device)!.ToString(),
            };

            var watch = Stopwatch.StartNew();
            var (made, kept, failed) = (0, 0, 0);
            var told = new Lock();
            Workers.ForEach(mine, count, item =>
            {
                var path = Path.Combine(folder, item.File);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                var run = Of(item);
                if (DrawnPicture.IsMade(path, run))
                {
                    Interlocked.Increment(ref kept);
                    return;
                }

                try
                {
                    var (seconds, similarity) = DrawnPicture.Draw(run, loaded.Encoder, path, opened, screen.Stop);
                    lock (told)
                    {
                        made++;
                        var left = watch.Elapsed.TotalSeconds / made * (mine.Length - made - kept - failed);
                        if (parsed.GetValue(json)) screen.Json(new { Event = "picture", File = path, item.Line, Prompt = item.Prompt.ToString(), run.Seed, Similarity = similarity, Seconds = Math.Round(seconds, 3) });
                        else screen.Note(string.Create(CultureInfo.InvariantCulture, $"{made + kept + failed}/{mine.Length} {item.File}: similarity {similarity:0.000}, {Durations.Show(seconds)}; {made / watch.Elapsed.TotalHours:0} pictures/hour, about {Durations.Show(left)} left"));
                    }
                }
                catch (InvalidDataException wrong)
                {
                    lock (told)
                    {
                        failed++;
                        screen.Note($"line {item.Line}, \"{item.Prompt}\": {wrong.Message}");
                    }
                }
            }, screen.Stop);
            var there = items.Where(item => File.Exists(Path.Combine(folder, item.File))).Take(Shown).ToList();
            var sheet = Path.Combine(folder, "sheet.png");
            if (there.Count > 0) ContactSheet.Draw([.. there.Select(item => (Picture.Load(Path.Combine(folder, item.File)), item.Prompt.ToString()))], (int)Math.Ceiling(Math.Sqrt(there.Count)), 128, $"{Path.GetFileName(parsed.GetRequiredValue(prompts))}: {there.Count} of {items.Count}").Save(sheet);
            if (parsed.GetValue(json)) screen.Json(new { Event = "result", Folder = folder, Drawn = made, Kept = kept, Failed = failed, Sheet = sheet, Seconds = Math.Round(watch.Elapsed.TotalSeconds, 3) });
            else screen.Say($"{folder}  {made} drawn, {kept} there already{(failed > 0 ? $", {failed} failed" : "")}; {sheet}");
            return failed > 0 ? 1 : 0;
        });
        return command;
    }
}
