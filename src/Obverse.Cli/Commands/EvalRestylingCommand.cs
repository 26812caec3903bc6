using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse eval restyling`: photographs redrawn in styles, content kept against style gained.</summary>
internal static class EvalRestylingCommand
{
    private static readonly string[] usual = ["watercolour", "pencil", "oil", "cartoon"];

    public static Command Create(Screen screen)
    {
        var photographs = new Argument<string[]>("PHOTOGRAPHS") { Arity = ArgumentArity.OneOrMore, Description = "Picture files." };
        var options = new DrawingOptions("Folder for table.md, table.csv, sheet.png and pictures; pictures already there are not drawn again. [default: restyling]");
        var recipes = Flags.Text("--recipes", "A,B", "Recipes that work on a picture, by name or file; the others are compared with the first. [default: styler,restyle]");
        var styles = Flags.Text("--styles", "A,B", $"Styles, asked for by their first noun, out of {string.Join(", ", PaintedStyles.All.Select(style => $"{style.Name} (\"{RestylingTable.TextOf(style)}\")"))}. [default: {string.Join(",", usual)}]");
        var mix = Flags.Number("--mix", "A", "Mix of the style in the target of restyle and edit. [default: 0.6]", 0, 1);
        var judge = Flags.Judge();
        var command = new Command("restyling",
            """
            Redraw photographs in styles by several recipes, and measure what is left of the content against how much of
            the style was gained: the correlation of contours with the photograph (Sobel), and the cosine, in the judge's
            features, between the way from photograph to drawing and the way to the photograph painted in that style.
            If interrupted, the same command resumes.

              obverse eval restyling cat.jpg dog.jpg clock.jpg -o restyling
              obverse eval restyling cat.jpg --styles pencil --steps 5 --size 64 -o rehearsal
            """)
        {
            photographs, recipes, styles, mix, options.Quality, options.Steps, options.Views, options.Size, options.Seed, options.Model, judge, options.Out, options.Threads, options.Device, options.Precision,
        };
        command.SetAction(parsed =>
        {
            var given = parsed.GetRequiredValue(photographs);
            if (given.GroupBy(file => Path.GetFullPath(file)).FirstOrDefault(group => group.Count() > 1) is { } twice) throw new UsageException($"{twice.Key}: given twice");
            foreach (var file in given) _ = Picture.Load(file);
            IReadOnlyList<string> chosen = DrawingOptions.Names(parsed.GetValue(recipes)) is { Count: > 0 } named ? named : ["styler", "restyle"];
            foreach (var name in chosen) if (Recipes.Named(name) is { Fit: null, Canvas.NeedsStart: false }) throw new UsageException($"--recipes: '{name}' does not work on a picture; styler, restyle and edit do");
            IReadOnlyList<string> asked = DrawingOptions.Names(parsed.GetValue(styles)) is { Count: > 0 } some ? some : usual;
            PaintedStyle[] known = [.. asked.Distinct().Select(name => PaintedStyles.All.FirstOrDefault(style => style.Name == name) ?? throw new UsageException($"--styles: '{name}' was given; {string.Join(", ", PaintedStyles.All.Select(style => style.Name))} are known"))];
            using var workshop = CliModels.Workshop(screen, parsed.GetValue(options.Threads), parsed.GetValue(options.Device), parsed.GetValue(options.Precision));
            using var judging = workshop.Judge(parsed.GetValue(judge) ?? LoadedModel.JudgeName);
            var table = new RestylingTable { Folder = parsed.GetValue(options.Out) ?? "restyling", Photographs = given, Styles = known, Recipes = chosen, Request = options.Request(parsed), Mix = parsed.GetValue(mix) ?? 0.6 };
            using var alone = FileLock.TakeFolder(table.Folder);
            var (made, all) = (0, given.Length * known.Length * chosen.Count);
            table.Make(workshop, judging, cell => screen.Note(string.Create(CultureInfo.InvariantCulture, $"{++made}/{all} {cell.Path}: edges {cell.Edges:0.000}, gain {cell.Gain:0.000}{(double.IsNaN(cell.Seconds) ? "" : $", {cell.Seconds:F1} s")}")), screen.Stop);
            screen.SayLines(File.ReadAllText(Path.Combine(table.Folder, "table.md")));
            screen.Say(Path.Combine(table.Folder, "sheet.png"));
            return 0;
        });
        return command;
    }
}
