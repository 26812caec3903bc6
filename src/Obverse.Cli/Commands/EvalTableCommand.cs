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
            """)
        {
            spec, output, cache, halves, threads, device,
        };
        command.SetAction(parsed =>
        {
            var table = TableSpec.Load(parsed.GetRequiredValue(spec)!);
            var folder = parsed.GetRequiredValue(output);
            Runtime.Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount;
            LoadedModel.MustExist(parsed.GetValue(device));
            using var alone = FileLock.TakeFolder(folder, (1, 1));
            using var status = new StatusLine(screen, json: false);
            var run = new TableRun(table, folder)
            {
                Cache = EvalOptions.CacheFolder(parsed.GetValue(cache)),
                Halves = parsed.GetValue(halves) ?? Resampling.Halves,
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
            var made = run.Run(screen.Stop);
            status.Dispose();
            made.Save(folder);
            screen.SayLines(made.Markdown().TrimEnd('\n'));
            return 0;
        });
        return command;
    }
}
