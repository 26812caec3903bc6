using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Obverse.Files;
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
        var prompts = new Argument<string>("FILE") { Description = "Prompts, one per line; or .jsonl with {\"prompt\": …, \"seed\": …, \"file\": …}; captions.jsonl of a picture set works too. \"-\" reads standard input." };
        var output = new Option<string>("--out", "-o") { HelpName = "FOLDER", Description = "Folder for the pictures; those that the same prompts and settings made are not drawn again.", Required = true };
        var options = new DrawingOptions();
        var shard = Flags.Shard("Draw only every N-th line, from the I-th on: several machines can share a file.");
        var workers = Flags.Workers();
        var command = new Command("batch",
            """
            Draw every prompt of a file, several in parallel. If interrupted, the same command resumes: finished pictures
            are not drawn again, others go on from a checkpoint of at most 20 seconds before. Each PNG stores its job, as with `obverse invert`; sheet.png is a contact sheet of the first 60.

              obverse batch captions.txt -o out
              obverse batch prompts.jsonl -o out --quality draft --shard 1/4

            `obverse diffuse --batch` and `obverse vary --batch` do the same with Stable Diffusion.
            """)
        {
            prompts, output, options.Recipe, options.Model, options.Bank, options.Quality, options.Steps, options.Views, options.Exact, options.Size, options.Seed, shard, workers, options.Threads, options.Device, options.Precision, options.Json,
        };
        command.SetAction(parsed =>
        {
            var folder = parsed.GetRequiredValue(output);
            var items = BatchLines.Read(parsed.GetRequiredValue(prompts), screen.Stop);
            var (part, of) = parsed.GetValue(shard) ?? (1, 1);
            BatchItem[] mine = [.. items.Where((_, i) => i % of == part - 1)];
            var (request, json) = (options.Request(parsed), parsed.GetValue(options.Json));
            var side = parsed.GetValue(workers);
            var count = Math.Min(Cores.WorkersOf(side, parsed.GetValue(options.Threads)), mine.Length);
            using var workshop = CliModels.Workshop(screen, Cores.ThreadsOf(count > 1 ? count : side, parsed.GetValue(options.Threads)), parsed.GetValue(options.Device), parsed.GetValue(options.Precision));
            var asked = (request with { Parts = items[0].Prompt }).Check(workshop);
            Readings.Tell(screen, mine.Select(item => item.Prompt));
            using var alone = FileLock.TakeFolder(folder, (part, of));
            var first = asked.Job(workshop, screen.Stop);
            foreach (var model in first.Models) TruncatedTexts.Warn(screen, workshop.Model(model.Name), items.SelectMany(item => item.Prompt.Texts.Select(text => text.Text!)).Distinct());
            var watch = Stopwatch.StartNew();
            var (made, present, failed) = (0, 0, 0);
            JobList.Run(mine, item => (first with { Prompt = item.Prompt, Seed = item.Seed ?? request.Seed }, Path.Combine(folder, item.File)), workshop, count, (item, path, done) =>
            {
                if (done is null)
                {
                    present++;
                    return;
                }

                made++;
                var left = watch.Elapsed.TotalSeconds / made * (mine.Length - made - present - failed);
                var similarity = done.Last?.Similarity ?? double.NaN;
                if (json) screen.Json(new { Event = "picture", File = path, item.Line, Prompt = item.Prompt.ToString(), done.Job.Seed, Similarity = similarity, Seconds = Math.Round(done.Seconds, 3) });
                else screen.Note(string.Create(CultureInfo.InvariantCulture, $"{made + present + failed}/{mine.Length} {item.File}: similarity {similarity:0.000}, {Durations.Show(done.Seconds)}; {made / watch.Elapsed.TotalHours:0} pictures/hour, about {Durations.Show(left)} left"));
            }, (item, wrong) =>
            {
                failed++;
                screen.Note($"line {item.Line}, \"{item.Prompt}\": {wrong.Message}");
            }, screen.Stop, replaces: false);
            var there = items.Select(item => (Picture: Finished(Path.Combine(folder, item.File), screen), Prompt: item.Prompt.ToString())).Where(one => one.Picture is not null).Take(Shown).ToList();
            var sheet = there.Count > 0 ? Path.Combine(folder, BatchLines.Sheet) : null;
            if (sheet is not null) ContactSheet.Save(ContactSheet.Draw([.. there.Select(one => (one.Picture!, one.Prompt))], (int)Math.Ceiling(Math.Sqrt(there.Count)), 128, $"{Path.GetFileName(parsed.GetRequiredValue(prompts))}: {there.Count} of {items.Count}"), sheet);
            if (json) screen.Json(new { Event = "result", Folder = folder, Drawn = made, AlreadyThere = present, Failed = failed, Sheet = sheet, Seconds = Math.Round(watch.Elapsed.TotalSeconds, 3) });
            else screen.Say($"{folder}  {made} drawn, {present} there already{(failed > 0 ? $", {failed} failed" : "")}{(sheet is null ? "" : $"; {sheet}")}");
            return failed > 0 ? 1 : 0;
        });
        return command;
    }

    // Another shard's may not be there yet, or be damaged: the sheet does without it.
    private static Picture? Finished(string path, Screen screen)
    {
        try
        {
            return File.Exists(path) ? Picture.Load(path) : null;
        }
        catch (PictureException damaged)
        {
            screen.Note($"left out of the sheet: {damaged.Message}");
            return null;
        }
    }
}
