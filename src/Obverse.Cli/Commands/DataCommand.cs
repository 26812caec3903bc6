using System.CommandLine;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse data`: the picture set that the pocket zoo is trained on.</summary>
internal static class DataCommand
{
    public static Command Create(Screen screen) => new("data", "Build and inspect the training pictures of the pocket zoo.") { Pocket(screen), Show(screen), DataGaussiansCommand.Create(screen) };

    private static Command Pocket(Screen screen)
    {
        var output = new Option<string>("--out", "-o") { HelpName = "DIR", Description = "Folder for the picture set.", DefaultValueFactory = _ => "pocket-data" };
        var photos = new Option<string[]>("--photos") { HelpName = "DIR|ZIP", Description = "Photographs in a folder or zip with one folder per class. May be given several times." };
        var cache = Flags.Text("--cache", "DIR", "Cache for packages and rasterised emoji. [default: ~/.cache/obverse]");
        var json = Flags.Json();
        var command = new Command("pocket",
            """
            Build the captioned picture set: seven emoji sets from npm (pinned versions), rasterised at 96 pixels, and
            folders of photographs. Needs Node 18 and npm. If interrupted, the same command resumes.

              obverse data pocket -o pocket-data
              obverse data pocket --photos tiny-imagenet-train.zip -o pocket-data
            """)
        {
            output, photos, cache, json,
        };
        command.SetAction(parsed =>
        {
            var directory = parsed.GetRequiredValue(output);
            Directory.CreateDirectory(directory);
            FileNames.MustBeWritable(Path.Combine(directory, "pocket.pics"));
            var asJson = parsed.GetValue(json);
            try
            {
                var counts = PocketData.Build(directory, parsed.GetValue(photos), parsed.GetValue(cache), new Each(line => { if (asJson) screen.Json(new { Event = "progress", Text = line }); else screen.Progress(line); }), screen.Stop);
                if (asJson) screen.Json(new { Event = "result", Directory = directory, counts.Pictures, counts.Bytes, counts.Styles, counts.Concepts });
                else screen.Say($"{directory}  {counts}");
                return 0;
            }
            catch (InvalidOperationException problem)
            {
                throw new IOException(problem.Message, problem); // Node is missing, too old, or has failed
            }
        });
        return command;
    }

    private static Command Show(Screen screen)
    {
        var input = new Argument<string>("DIR") { Description = "A picture set from `obverse data pocket`." };
        var output = new Option<string>("--out", "-o") { HelpName = "FILE.png", Description = "Where to write.", DefaultValueFactory = _ => "data.png" };
        var count = Flags.Whole("--n", "Pictures per style. [default: 10]", 1, 100);
        var command = new Command("show",
            """
            Draw a contact sheet of a picture set, one row per style.

              obverse data show pocket-data -o data.png
            """)
        {
            input, output, count,
        };
        command.SetAction(parsed =>
        {
            var path = OutputPaths.Wanting("--out", parsed.GetRequiredValue(output), ".png", ".jpg", ".webp");
            FileNames.MustBeWritable(path, 4 << 20);
            using var set = PictureSet.Open(parsed.GetRequiredValue(input));
            var columns = parsed.GetValue(count) ?? 10;
            var cells = new List<(Picture, string)>();
            var headings = new List<string>();
            foreach (var style in Enumerable.Range(0, set.Count).GroupBy(i => set.Entries[i].Style))
            {
                var all = style.ToArray();
                headings.Add($"{style.Key} ({all.Length:N0})");
                for (var n = 0; n < columns; n++)
                {
                    // Evenly through the style; short rows end in white.
                    var index = n < all.Length ? all[(int)((long)n * all.Length / Math.Min(columns, all.Length))] : -1;
                    cells.Add(index < 0 ? (new Picture(1, 1, [255, 255, 255]), "") : (Load(set, index), set.Entries[index].Name));
                }
            }

            ContactSheet.Draw(cells, columns, 96, $"{set.Count:N0} pictures", rowHeadings: headings, captionLines: 2).Save(path);
            screen.Say($"{path}  {set.Count:N0} pictures in {headings.Count} styles");
            return 0;
        });
        return command;
    }

    private static Picture Load(PictureSet set, int index)
    {
        if (set.Entries[index].IsPhoto) return Picture.Decode(set.Bytes(index), set.Entries[index].Name);
        var (rgba, width, height) = set.Read(index);
        var (rgb, alpha) = (new byte[width * height * 3], new byte[width * height]);
        for (var i = 0; i < alpha.Length; i++)
        {
            rgba.AsSpan(i * 4, 3).CopyTo(rgb.AsSpan(i * 3));
            alpha[i] = rgba[i * 4 + 3];
        }

        return new(width, height, rgb, alpha);
    }

    private sealed class Each(Action<string> tell) : IProgress<string>
    {
        public void Report(string value) => tell(value);
    }
}
