using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse compare`: the same prompts with every recipe and every model, judged.</summary>
internal static class CompareCommand
{
    public static Command Create(Screen screen)
    {
        var prompts = new Argument<string[]>("PROMPT") { Arity = ArgumentArity.ZeroOrMore, Description = "Prompts, weighted ones too." };
        var random = Flags.Whole("--random", "In place of prompts: N random ImageNet names, chosen by the seed.", 1, 998);
        var options = new DrawingOptions("Folder for contact sheet, tables and pictures; pictures already there are not drawn again. [default: compare- and the first prompt]");
        var recipes = Flags.Text("--recipes", "A,B", "Recipes by name or file. [default: the one that `obverse invert` would choose]");
        var models = Flags.Text("--models", "X,Y", "Models to draw with, each by itself. [default: pocket-clipag and pocket-clip]");
        var start = Flags.Text("--start", "PICTURE", "Start from this picture.");
        var mask = Flags.Text("--mask", "PICTURE", "With --start: only the white parts of the mask change.");
        var judge = Flags.Judge();
        var command = new Command("compare",
            """
            Draw the same prompts with every recipe and every model, and judge them: a contact sheet with a row for each
            recipe and model, a table and a CSV. If interrupted, the same command resumes.

              obverse compare "a goldfish" --recipes clipag,pyramid --models pocket-clip,pocket-clipag
              obverse compare "a red fox" "a lighthouse" --recipes clipdraw --quality draft -o strokes
              obverse compare --random 24 --recipes clipdraw,mine.json -o two-recipes
            """)
        {
            prompts, random, recipes, models, start, mask, options.Quality, options.Steps, options.Views, options.Size, options.Seed, options.Bank, judge, options.Out, options.Threads, options.Device, options.Precision,
        };
        command.SetAction(parsed =>
        {
            var (asked, drawn) = (parsed.GetValue(prompts) ?? [], parsed.GetValue(random));
            if (asked.Length == 0 == (drawn is null)) throw new UsageException(drawn is null ? "no prompt was given: give prompts, or --random N" : "give prompts or --random, not both");
            var request = options.Request(parsed) with { Start = parsed.GetValue(start), Mask = parsed.GetValue(mask) };
            if (drawn is { } count) asked = [.. Gallery.RandomNames(count, request.Seed)];
            foreach (var text in asked) _ = Prompt.Parse(text);
            IReadOnlyList<string> drawing = DrawingOptions.Names(parsed.GetValue(models)) is { Count: > 0 } some ? some : [LoadedModel.Drawing, LoadedModel.Default];
            IReadOnlyList<string> chosen = DrawingOptions.Names(parsed.GetValue(recipes)) is { Count: > 0 } named ? named : [request.Start is not null ? Recipes.FromPicture : Recipes.FromNothing];
            foreach (var name in chosen) _ = Recipes.Named(name);
            using var workshop = CliModels.Workshop(screen, parsed.GetValue(options.Threads), parsed.GetValue(options.Device), parsed.GetValue(options.Precision));
            var judging = parsed.GetValue(judge) ?? LoadedModel.JudgeName;
            workshop.Find(judging);
            foreach (var model in drawing) workshop.Find(model);
            using var judged = workshop.Judge(judging);
            var comparison = new Gallery
            {
                Folder = parsed.GetValue(options.Out) ?? "compare-" + (drawn is { } n ? $"{n}-names" : FileNames.Slug(asked[0])), Names = asked, Recipes = chosen, Models = drawing, Request = request, Title = "Rank of the prompt among 1,000 names under the judge, in low-pass views (and at full resolution)",
            };
            using var alone = FileLock.TakeFolder(comparison.Folder);
            var made = 0;
            comparison.Make(workshop, judged, entry => screen.Note(string.Create(CultureInfo.InvariantCulture,
                $"{++made}/{chosen.Count * drawing.Count * asked.Length} {entry.Row} \"{entry.Name}\": rank {entry.Judgement.LowPass.Rank}, full resolution {entry.Judgement.FullResolution.Rank}{(double.IsNaN(entry.Seconds) ? "" : $", {entry.Seconds:F1} s")}")), screen.Stop);
            screen.SayLines(comparison.Table());
            screen.Say(Path.Combine(comparison.Folder, "sheet.png"));
            return 0;
        });
        return command;
    }
}
