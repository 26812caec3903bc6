using System.CommandLine;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Jobs;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse gallery`: the same names with several recipes, judged.</summary>
internal static class GalleryCommand
{
    public static Command Create(Screen screen)
    {
        var folder = new Argument<string>("FOLDER") { Description = "Where the sheet, the table and the pictures go; what is there already is not made again." };
        var names = Flags.Text("--names", "A,B,C", "What to draw. [default: --random names]");
        var random = Flags.Whole("--random", "So many of ImageNet's names, drawn by the seed. [default: 12]", 1, 998);
        var recipes = Flags.Text("--recipes", "A,B", "Which recipes. [default: all that need no picture; without a bank, those that need none]");
        var quality = InvertCommand.QualityOption("[default: normal]");
        var size = Flags.Whole("--size", "Side in pixels. [default: the model's]", 32, 1024);
        var seed = Flags.Whole("--seed", "For the drawing and for the choice of names. [default: 0]", 0, int.MaxValue);
        var bank = Flags.Text("--bank", "FILE", ZooBank.Description);
        var model = Flags.Text("--model", "MODEL", "Who draws. [default: pocket-clipag]");
        var judge = Flags.Text("--judge", "MODEL", "Who judges. [default: pocket-judge]");
        var device = Flags.Device();
        var precision = Flags.Precision();
        var threads = Flags.Whole("--threads", "Processor cores to use. [default: all]", 1, 1024);
        var command = new Command("gallery",
            """
            Draw the same names with several recipes and let the judge rank them: a contact sheet, a table and a CSV.
            Stop it and call it again: pictures that are there are kept.

              obverse gallery docs/gallery --random 50 --recipes pyramid
              obverse gallery out --names "goldfish,school bus,volcano" --recipes pyramid,das,clip-inv --quality draft
            """)
        {
            folder, names, random, recipes, quality, size, seed, bank, model, judge, threads, device, precision,
        };
        command.SetAction(parsed =>
        {
            var banked = parsed.GetValue(bank) ?? ZooBank.Of(parsed.GetValue(model));
            var chosen = parsed.GetValue(recipes)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [.. Recipes.FromWords(banked is not null)];
            string[] begun = [.. chosen.Where(name => Recipes.Named(name).Prior is not null)];
            foreach (var recipe in begun) ZooBank.For(Recipes.Named(recipe), banked, parsed.GetValue(model));
            if (begun.Length == 0 && parsed.GetValue(bank) is not null) throw new UsageException($"--bank is for the recipes that begin from one; {string.Join(", ", chosen)} do not");
            var start = (ulong)(parsed.GetValue(seed) ?? 0);
            LoadedModel.Find(parsed.GetValue(judge) ?? LoadedModel.Judge, screen);
            using var drawing = LoadedModel.Open(screen, parsed.GetValue(model) ?? LoadedModel.Drawing, parsed.GetValue(threads), device: parsed.GetValue(device), precision: parsed.GetValue(precision) ?? Precision.Auto);
            using var judging = Judge.Load(parsed.GetValue(judge) ?? LoadedModel.Judge, parsed.GetValue(device));
            var gallery = new Gallery
            {
                Folder = parsed.GetRequiredValue(folder), Recipes = chosen, Model = drawing.Name, ModelSha256 = drawing.Sha256, WordsSha256 = drawing.WordsSha256, Precision = drawing.Precision, Seed = start, Quality = parsed.GetValue(quality) ?? Quality.Normal,
                Names = parsed.GetValue(names)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? Gallery.RandomNames(parsed.GetValue(random) ?? 12, start),
                Side = parsed.GetValue(size) ?? drawing.Encoder.Side, Bank = begun.Length > 0 ? banked : null,
            };
            var made = 0;
            var entries = gallery.Make(drawing.Encoder, judging, entry => screen.Note(string.Create(CultureInfo.InvariantCulture,
                $"{++made}/{chosen.Length * gallery.Names.Count} {entry.Recipe} \"{entry.Name}\": coarse {entry.Verdict.Coarse.Rank}, sharp {entry.Verdict.Sharp.Rank}{(double.IsNaN(entry.Seconds) ? "" : $", {entry.Seconds:F1} s")}")), screen.Stop);
            screen.Say(gallery.Table(entries));
            return 0;
        });
        return command;
    }
}
