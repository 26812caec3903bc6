using System.CommandLine;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse eval table`: methods by measures, with intervals.</summary>
internal static class EvalTableCommand
{
    public static Command Create(Screen screen)
    {
        var spec = Flags.Text("--spec", "FILE", "The table as JSON: methods and measures.");
        spec.Required = true;
        var output = new Option<string>("--out", "-o") { HelpName = "FOLDER", Description = "Folder for table.md, table.csv, table.json and a plot a measure.", Required = true };
        var cache = Flags.Text("--cache", "FOLDER|none", "Where features are cached, by the hash of each picture. [default: ~/.cache/obverse/features]");
        var halves = Flags.Whole("--halves", $"Random halves of the sets for the interval of a distance; 0: no interval. [default: {Resampling.Halves}]", 0, 10_000);
        var captions = Flags.Text("--captions", "FILE", "Captions to draw, in place of the table's: a line each, or a data set's JSON or the zip that holds it.");
        var reference = Flags.Text("--reference", "SET", "Real pictures, in place of those that the table names.");
        var count = Flags.Whole("--n", "N captions, spread evenly over the file, in place of the table's.", 1, 1_000_000);
        var quality = DrawingOptions.QualityOption();
        quality.Description = "Quality of the drawings, in place of the table's.";
        var shard = Flags.Shard("Draw every N-th caption and measure every N-th number, from the I-th on, into the same folder; the last one writes the table.");
        var workers = Flags.Workers();
        var threads = Flags.Threads();
        var device = Flags.Device();
        var command = new Command("table",
            """
            Measure several methods' pictures by several measures, and write the table with 95 % intervals as Markdown, CSV,
            JSON and plots. Differences to the first method (or "baseline") are paired by picture. If interrupted, the same
            command goes on.

              obverse eval table --spec table.json -o out

            table.json, paths relative to it:

              {"methods": [{"name": "CLIP^-1", "pictures": "implicit"}, {"name": "DAS", "pictures": "das"}],
               "measures": [{"metric": "clipsim"}, {"metric": "fid", "reference": "photos.zip"}]}

            A method may be a variant of `ablate` in place of pictures: {"name": "DAS", "variant": "das"}; it is drawn first:
            "draw": {"captions": "captions.txt", "n": 300, "size": 96, "quality": "normal", "seed": 0}. A measure that is
            there twice, against two references, wants a "title".
            """)
        {
            spec, output, captions, reference, count, quality, shard, cache, halves, workers, threads, device,
        };
        command.SetAction(parsed =>
        {
            var table = TableSpec.Load(parsed.GetRequiredValue(spec)!);
            var folder = parsed.GetRequiredValue(output);
            if (parsed.GetValue(reference) is { } real) table = table with { Measures = [.. table.Measures.Select(one => one.Reference is null ? one : one with { Reference = real })] };
            if (table.Draw is { } draw) table = table with { Draw = draw with { Captions = parsed.GetValue(captions) ?? draw.Captions, N = parsed.GetValue(count) ?? draw.N, Quality = parsed.GetValue(quality)?.ToString() ?? draw.Quality } };
            else if (parsed.GetValue(captions) is not null || parsed.GetValue(count) is not null || parsed.GetValue(quality) is not null) throw new UsageException("--captions, --n and --quality are for a table with \"draw\"");
            LoadedModel.MustExist(parsed.GetValue(device));
            var part = parsed.GetValue(shard) ?? (1, 1);
            var drawings = table.Draw is null ? null : TableDrawing.Plan(table, folder, part, Cores.WorkersOf(parsed.GetValue(workers), parsed.GetValue(threads)));
            if (drawings is not null) table = TableDrawing.Drawn(table, drawings);
            TableRun.Check(table); // before hours of drawing
            using var alone = FileLock.TakeFolder(folder, part);
            if (drawings is not null)
            {
                using var workshop = CliModels.Workshop(screen, Cores.ThreadsOf(parsed.GetValue(workers) == 1 ? 1 : null, parsed.GetValue(threads)), parsed.GetValue(device));
                drawings.DrawPictures(workshop, (variant, caption, _, made, done, of) =>
                {
                    if (made is not null) screen.Note($"{done}/{of} {variant} \"{drawings.Captions[caption]}\", {made.Seconds:F1} s");
                }, screen.Stop);
                if (drawings.Missing is > 0 and var left)
                {
                    screen.Say($"{left:N0} pictures of other shards are not drawn yet; the same command measures when they are");
                    return 0;
                }
            }

            Runtime.Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount;
            using var status = new StatusLine(screen, json: false);
            var run = new TableRun(table, folder)
            {
                Cache = EvalOptions.CacheFolder(parsed.GetValue(cache)),
                Halves = parsed.GetValue(halves) ?? Resampling.Halves,
                Shard = part,
                Open = EvalOptions.Open,
                Load = (measure, kind) =>
                {
                    var name = measure.Network ?? LoadedModel.JudgeName;
                    if (!File.Exists(name)) CliModels.Find(name, screen);
                    return FeatureNetwork.Load(name, kind.Input(kind.Library(measure.As)), pooled: !kind.Embeds, parsed.GetValue(device));
                },
                OnNote = screen.Note,
                OnCell = (method, measure, done, of) => screen.Note($"{done}/{of} {measure} of {method}"),
                OnProgress = (done, of) =>
                {
                    if (status.IsDue()) status.Show($"{done:N0}/{of:N0} pictures", new { });
                },
            };
            var (made, missing) = run.Run(screen.Stop);
            status.Dispose();
            if (made is null)
            {
                screen.Say($"{missing:N0} numbers of other shards are not there yet; the last shard writes the table");
                return 0;
            }

            made.Save(folder);
            screen.SayLines(made.Markdown().TrimEnd('\n'));
            return 0;
        });
        return command;
    }
}
