using System.CommandLine;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse gallery`: the same names with several recipes, judged.</summary>
internal static class GalleryCommand
{
    public static Command Create(Screen screen)
    {
        var folder = new Argument<string>("FOLDER") { Description = "Folder for contact sheet, tables and pictures; pictures already there are not drawn again." };
        var options = new DrawingOptions();
        var names = Flags.Text("--names", "A,B,C", "Names to draw. [default: --random names]");
        var random = Flags.Whole("--random", "Draw N random ImageNet names, chosen by the seed. [default: 12]", 1, 998);
        var recipes = Flags.Text("--recipes", "A,B", "Recipes by name or file. [default: all that need no start picture; without a bank, those that need no bank]");
        var wordings = Flags.Text("--wordings", "A;B;C", "What to ask for each name, separated by semicolons: {} is the name, {a} the name after its article, {s} the plural, {N} upper case. \"all\": the nine of docs/wordings.md. [default: {}]");
        var judge = Flags.Judge();
        var command = new Command("gallery",
            """
            Draw the same names with several recipes and judge them. Saves a contact sheet, a table and a CSV with the
            top-1 and top-5 accuracy under the judge. If interrupted, the same command resumes.

              obverse gallery docs/gallery --random 50 --recipes pyramid
              obverse gallery wordings --random 50 --recipes implicit-blend --wordings "{};a photo of {a};{s}"
              obverse gallery out --names "goldfish,school bus,volcano" --recipes pyramid,das,clip-inv --quality draft
            """)
        {
            folder, names, random, recipes, wordings, options.Quality, options.Size, options.Seed, options.Bank, options.Model, judge, options.Threads, options.Device, options.Precision,
        };
        command.SetAction(parsed =>
        {
            var request = options.Request(parsed);
            var model = request.Models.Count > 1 ? null : request.Models.FirstOrDefault();
            var banked = request.Bank ?? (request.Models.Count > 1 ? null : ZooBank.Of(model));
            IReadOnlyList<string> chosen = DrawingOptions.Names(parsed.GetValue(recipes)) is { Count: > 0 } asked ? asked : Recipes.FromText(banked is not null);
            string[] fromBank = [.. chosen.Where(name => Recipes.Named(name).Bank is not null)];
            if (fromBank.Length == 0 && request.Bank is not null) throw new UsageException($"--bank is for recipes that start from a bank; {string.Join(", ", chosen)} do not");
            if (parsed.GetValue(names) is not null && parsed.GetValue(random) is not null) throw new UsageException("give --names or --random, not both");
            using var workshop = CliModels.Workshop(screen, parsed.GetValue(options.Threads), parsed.GetValue(options.Device), parsed.GetValue(options.Precision));
            foreach (var name in fromBank) ZooBank.For(Recipes.Named(name), banked, model);
            var judging = parsed.GetValue(judge) ?? LoadedModel.JudgeName;
            workshop.Find(judging);
            var side = request.Size ?? (workshop.Model(request.Model).Encoder.Side is var own ? new PictureSize(own, own) : default);
            using var judged = workshop.Judge(judging);
            var gallery = new Gallery
            {
                Folder = parsed.GetRequiredValue(folder), Recipes = chosen, Request = request with { Size = side },
                Wordings = parsed.GetValue(wordings) is not { } forms ? ["{}"] : forms == "all" ? Wordings.Measured : Forms(forms),
                Names = parsed.GetValue(names) is { } text ? DrawingOptions.Names(text) is { Count: > 0 } given ? given : throw new UsageException("--names: no name was given") : Gallery.RandomNames(parsed.GetValue(random) ?? 12, request.Seed),
            };
            using var alone = FileLock.TakeFolder(gallery.Folder);
            var made = 0;
            gallery.Make(workshop, judged, entry => screen.Note(string.Create(CultureInfo.InvariantCulture,
                $"{++made}/{chosen.Count * gallery.Wordings.Count * gallery.Names.Count} {entry.Row} \"{entry.Name}\": rank {entry.Judgement.LowPass.Rank}, full resolution {entry.Judgement.FullResolution.Rank}{(double.IsNaN(entry.Seconds) ? "" : $", {entry.Seconds:F1} s")}")), screen.Stop);
            screen.SayLines(gallery.Table());
            return 0;
        });
        return command;
    }

    private static string[] Forms(string text)
    {
        string[] forms = text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (forms.FirstOrDefault(form => Wordings.Fill(form, "x") == Wordings.Fill(form, "y")) is { } fixedText) throw new UsageException($"--wordings: '{fixedText}' has no place for the name: {{}}, {{a}}, {{s}} or {{N}}");
        return forms.Length > 0 ? forms : throw new UsageException("--wordings: no wording was given");
    }
}
