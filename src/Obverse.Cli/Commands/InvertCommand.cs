using System.CommandLine;
using Obverse.Imaging;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse invert`: a prompt becomes a picture.</summary>
internal static class InvertCommand
{
    // Options that a checkpoint does not fix.
    private static readonly string[] besideResume = ["--resume", "--out", "--every", "--film", "--save", "--judge", "--no-judge", "--threads", "--json", "--debug", "--allow-files", "--allow-hub"];

    public static Command Create(Screen screen)
    {
        var prompt = new Argument<string?>("PROMPT") { Arity = ArgumentArity.ZeroOrOne, Description = "The prompt. Parts are separated by |, each may end in :weight; a negative weight moves away from its text. A colon after a digit or after // is text (12:30); \\: always is." };
        var options = new DrawingOptions();
        var toward = new Option<string[]>("--toward") { HelpName = "IMAGE[:W]", Description = "Add a picture to the prompt, with a weight. May be given several times." };
        var time = Flags.Parsed("--time", "60s", "Time budget that chooses steps, views and size: 60s, 2m, 1m30s.", Durations.Parse);
        var width = Flags.Whole("--width", "Width to draw at.", PictureSize.Least, PictureSize.Most);
        var height = Flags.Whole("--height", "Height to draw at.", PictureSize.Least, PictureSize.Most);
        var shown = Flags.Size("--show-size", "Size to render the finished canvas at. [default: the size it is drawn at]");
        var count = Flags.Whole("--n", "Draw N pictures with consecutive seeds, and a contact sheet.", 1, 1000);
        var start = Flags.Text("--start", "IMAGE", "Start from this picture; recipes of strokes also from an SVG.");
        var mask = Flags.Text("--mask", "IMAGE", "Change the start picture only where the mask is white (or opaque).");
        var resume = Flags.Text("--resume", "FILE", "Resume from the checkpoint of an interrupted job, without a prompt.");
        var judge = Flags.Switch("--judge", "Have pocket-judge rank the picture; the default with --n.");
        var noJudge = Flags.Switch("--no-judge", "Do not judge.");
        var command = new Command("invert",
            """
            Draw a picture from a prompt by running CLIP backwards.

              obverse invert "a tabby cat"
              obverse invert "a fox | watercolour:0.4 | blurry:-0.3" --seed 7 --out fox.png
              obverse invert "a lighthouse at dusk" --size 192x128 --quality best --n 4
              obverse invert "a garden" --toward photo.jpg:0.5 --time 60s
              obverse invert "a red hat" --start me.jpg --mask hat.png --film hat.gif
              obverse invert "a watercolour" --recipe styler --start photo.jpg --save style.safetensors
              obverse invert "a drawing of a cat" --recipe clipdraw --strokes 64 --colors "#000000"

            The PNG stores its job: `obverse replay fox.png` draws it again, byte for byte. A run that is stopped or killed
            goes on by the same command, or by --resume, from a checkpoint that is saved every 20 seconds beside the picture.
            """)
        {
            prompt, options.Recipe, options.Model, options.Quality, time, options.Steps, options.Views, options.Exact, options.Size, width, height, options.Seed, count, options.Out, toward, options.Bank,
            start, mask, shown, options.Film, options.Every, options.Save, resume, judge, noJudge, options.Threads, options.Device, options.Precision, options.Json,
        };
        var strokes = new StrokeOptions();
        strokes.AddTo(command);
        var styles = new StyleOptions();
        styles.AddTo(command);
        var stored = new StoredJobOptions("With --resume: ");
        stored.AddTo(command);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(judge) && parsed.GetValue(noJudge)) throw new UsageException("give --judge or --no-judge, not both");
            var session = options.Session(parsed, screen) with { Judges = parsed.GetValue(noJudge) ? false : parsed.GetValue(judge) ? true : null };
            if (parsed.GetValue(resume) is { } checkpoint)
            {
                if (parsed.GetValue(prompt) is not null || command.Options.Any(option => !besideResume.Contains(option.Name) && parsed.GetResult(option) is { Implicit: false }))
                {
                    throw new UsageException("--resume takes the job from the checkpoint: give no prompt, and only --out, --every, --film, --save, --judge, --threads and --json with it");
                }

                return session.Resume(checkpoint, stored.Of(parsed));
            }

            return (session with
            {
                Request = styles.Apply(parsed, strokes.Apply(parsed, session.Request with
                {
                    Prompt = parsed.GetValue(prompt), Toward = parsed.GetValue(toward) ?? [], Time = parsed.GetValue(time), Width = parsed.GetValue(width), Height = parsed.GetValue(height), Shown = parsed.GetValue(shown),
                    Count = parsed.GetValue(count) ?? 1, Start = parsed.GetValue(start), Mask = parsed.GetValue(mask),
                })),
            }).Run();
        });
        return command;
    }
}
