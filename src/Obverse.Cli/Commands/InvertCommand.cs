using System.CommandLine;
using Obverse.Imaging;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse invert`: a prompt becomes a picture.</summary>
internal static class InvertCommand
{
    // What a checkpoint does not already say.
    private static readonly string[] besideResume = ["--resume", "--out", "--every", "--film", "--save", "--judge", "--no-judge", "--threads", "--json", "--debug"];

    public static Command Create(Screen screen)
    {
        var prompt = new Argument<string?>("PROMPT") { Arity = ArgumentArity.ZeroOrOne, Description = "What to draw. Several parts are separated by |, each may end in :weight; a negative weight is drawn away from. A colon behind a digit or after // is text (12:30); \\: always is." };
        var options = new DrawingOptions();
        var toward = new Option<string[]>("--toward") { HelpName = "IMAGE[:W]", Description = "Draw toward a picture too, with a weight. May be given several times." };
        var time = Flags.Parsed("--time", "60s", "Choose steps, views and size so that it takes about this long: 60s, 2m, 1m30s.", Durations.Parse);
        var width = Flags.Whole("--width", "Width to draw at.", PictureSize.Least, PictureSize.Most);
        var height = Flags.Whole("--height", "Height to draw at.", PictureSize.Least, PictureSize.Most);
        var shown = Flags.Size("--show-size", "Size of the picture that is written, where the canvas can be rendered larger than it was drawn.");
        var count = Flags.Whole("--n", "Draw N pictures with seeds one after another, and a contact sheet of them.", 1, 1000);
        var start = Flags.Text("--start", "IMAGE", "Begin with this picture.");
        var mask = Flags.Text("--mask", "IMAGE", "Change --start only where this picture is white (or opaque).");
        var resume = Flags.Text("--resume", "FILE", "Go on with a job that Ctrl-C stopped; no prompt is given then.");
        var judge = Flags.Switch("--judge", "Have pocket-judge rank the picture (with --n it does so anyway).");
        var noJudge = Flags.Switch("--no-judge", "Have nobody judge.");
        var command = new Command("invert",
            """
            Draw a prompt: run CLIP backwards, from text to a picture.

              obverse invert "a tabby cat"
              obverse invert "a fox | watercolour:0.4 | blurry:-0.3" --seed 7 --out fox.png
              obverse invert "a lighthouse at dusk" --size 192x128 --quality best --n 4
              obverse invert "a garden" --toward photo.jpg:0.5 --time 60s
              obverse invert "a red hat" --start me.jpg --mask hat.png --film hat.gif

            The PNG holds the whole job: `obverse replay fox.png` makes it again, byte for byte.
            """)
        {
            prompt, options.Recipe, options.Model, options.Quality, time, options.Steps, options.Views, options.Exact, options.Size, width, height, options.Seed, count, options.Out, toward, options.Bank,
            start, mask, shown, options.Film, options.Every, options.Save, resume, judge, noJudge, options.Threads, options.Device, options.Precision, options.Json,
        };
        command.SetAction(parsed =>
        {
            var session = options.Session(parsed, screen) with { Judges = parsed.GetValue(noJudge) ? false : parsed.GetValue(judge) ? true : null };
            if (parsed.GetValue(resume) is { } checkpoint)
            {
                if (parsed.GetValue(prompt) is not null || command.Options.Any(option => !besideResume.Contains(option.Name) && parsed.GetResult(option) is { Implicit: false }))
                {
                    throw new UsageException("--resume goes on with the job in the checkpoint: no prompt, and only --out, --every, --film, --save, --judge, --threads and --json beside it");
                }

                return session.Resume(checkpoint);
            }

            return (session with
            {
                Request = session.Request with
                {
                    Prompt = parsed.GetValue(prompt), Toward = parsed.GetValue(toward) ?? [], Time = parsed.GetValue(time), Width = parsed.GetValue(width), Height = parsed.GetValue(height), Shown = parsed.GetValue(shown),
                    Count = parsed.GetValue(count) ?? 1, Start = parsed.GetValue(start), Mask = parsed.GetValue(mask),
                },
            }).Run();
        });
        return command;
    }
}
