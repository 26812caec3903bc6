using System.CommandLine;
using System.Diagnostics;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse invert`: a prompt becomes a picture.</summary>
internal static class InvertCommand
{
    public static Command Create(Screen screen)
    {
        var prompt = new Argument<string?>("PROMPT") { Arity = ArgumentArity.ZeroOrOne, Description = "What to draw. Several parts are separated by |, each may end in :weight; a negative weight is drawn away from." };
        var toward = new Option<string[]>("--toward") { HelpName = "IMAGE[:W]", Description = "Draw toward a picture too, with a weight. May be given several times." };
        var recipe = Flags.Text("--recipe", "NAME", $"How to draw: `obverse recipes` lists them. [default: {ZooBank.UsualRecipe}; {Recipes.FromPicture} with --start]");
        var model = Flags.Text("--model", "MODEL", "Which CLIP looks: a folder, a file or a name of the zoo. [default: pocket-clipag]");
        var quality = QualityOption("[default: normal]");
        var time = Flags.Parsed("--time", "60s", "Choose steps, views and size so that it takes about this long: 60s, 2m, 1m30s.", Durations.Parse);
        var steps = Flags.Whole("--steps", "How many steps to take.", 1, 1_000_000);
        var views = Flags.Whole("--views", "How many views a step looks at.", 1, 1024);
        var size = Flags.Parsed<PictureSize?>("--size", "N|WxH", "Size to draw at. [default: the model's own]", text => PictureSize.Parse(text));
        var width = Flags.Whole("--width", "Width to draw at.", PictureSize.Least, PictureSize.Most);
        var height = Flags.Whole("--height", "Height to draw at.", PictureSize.Least, PictureSize.Most);
        var shown = Flags.Parsed<PictureSize?>("--show-size", "N|WxH", "Size of the picture that is written, where the canvas can be shown larger than it was drawn.", text => PictureSize.Parse(text));
        var seed = Flags.Parsed<ulong?>("--seed", "N", "Where randomness begins; the same seed gives the same picture. [default: 0]", text => ulong.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var n) ? n : throw new FormatException("a whole number from 0 was wanted"));
        var count = Flags.Whole("--n", "Draw so many pictures with seeds one after another, and a grid of them.", 1, 1000);
        var output = new Option<string?>("--out", "-o") { HelpName = "FILE.png", Description = "Where to write. [default: a name made of the prompt, in this folder]" };
        var exact = Flags.Switch("--exact", "Every step whole: no coarser rendering and no fewer views while coarse layers move. Slower.");
        var bank = Flags.Text("--bank", "FILE", ZooBank.Description);
        var start = Flags.Text("--start", "IMAGE", "Begin with this picture.");
        var mask = Flags.Text("--mask", "IMAGE", "Change --start only where this picture is white (or opaque).");
        var every = Flags.Whole("--every", "Write a numbered picture every so many steps.", 1, 1_000_000);
        var film = Flags.Text("--film", "FILE", "Write the making of the picture: .gif, .webp, or .mp4 where ffmpeg is installed.");
        var save = Flags.Text("--save", "FILE", "Write the canvas (.safetensors), for `obverse render`.");
        var resume = Flags.Text("--resume", "FILE", "Go on with a run that Ctrl-C stopped; no prompt is given then.");
        var judge = Flags.Switch("--judge", "Have pocket-judge look at the picture (with --n it does so anyway).");
        var noJudge = Flags.Switch("--no-judge", "Have nobody judge.");
        var threads = Flags.Whole("--threads", "Processor cores to use. [default: all]", 1, 1024);
        var device = Flags.Device();
        var precision = Flags.Precision();
        var json = Flags.Switch("--json", "Print progress and result as JSON lines.");
        var command = new Command("invert",
            """
            Draw a prompt: run CLIP backwards, from words to a picture.

              obverse invert "a tabby cat"
              obverse invert "a fox | watercolour:0.4 | blurry:-0.3" --seed 7 --out fox.png
              obverse invert "a lighthouse at dusk" --size 192x128 --quality best --n 4
              obverse invert "a garden" --toward photo.jpg:0.5 --time 60s
              obverse invert "a red hat" --start me.jpg --mask hat.png --film hat.gif

            The PNG holds the whole run: `obverse replay fox.png` makes it again, byte for byte.
            """)
        {
            prompt, recipe, model, quality, time, steps, views, exact, size, width, height, seed, count, output, toward, bank, start, mask, shown, film, every, save, resume, judge, noJudge, threads, device, precision, json,
        };
        command.SetAction(parsed =>
        {
            var session = new InvertSession(screen)
            {
                Prompt = parsed.GetValue(prompt), Toward = parsed.GetValue(toward) ?? [], Recipe = parsed.GetValue(recipe), Model = parsed.GetValue(model), Quality = parsed.GetValue(quality), Time = parsed.GetValue(time),
                Steps = parsed.GetValue(steps), Views = parsed.GetValue(views), Exact = parsed.GetValue(exact), Size = parsed.GetValue(size), Width = parsed.GetValue(width), Height = parsed.GetValue(height), Shown = parsed.GetValue(shown),
                Seed = parsed.GetValue(seed), Count = parsed.GetValue(count) ?? 1, Out = parsed.GetValue(output), Bank = parsed.GetValue(bank), Start = parsed.GetValue(start), Mask = parsed.GetValue(mask), Every = parsed.GetValue(every) ?? 0,
                Film = parsed.GetValue(film), Save = parsed.GetValue(save), Judges = parsed.GetValue(noJudge) ? false : parsed.GetValue(judge) ? true : null, Threads = parsed.GetValue(threads), Device = parsed.GetValue(device), Precision = parsed.GetValue(precision), Json = parsed.GetValue(json),
            };
            return parsed.GetValue(resume) is { } checkpoint ? session.Resume(checkpoint) : session.Begin();
        });
        return command;
    }

    /// <summary>--quality, for every command that draws.</summary>
    public static Option<Quality?> QualityOption(string usual) => Flags.Parsed<Quality?>("--quality", "draft|normal|best", $"Choose steps, views and size together. {usual}", text =>
        Enum.TryParse<Quality>(text, ignoreCase: true, out var quality) && Enum.IsDefined(quality) && char.IsLetter(text[0]) ? quality : throw new FormatException("draft, normal or best was wanted"));
}
