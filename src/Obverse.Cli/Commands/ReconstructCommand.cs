using System.CommandLine;
using System.Globalization;
using Obverse.Imaging;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse reconstruct`: what an encoder preserves of a picture.</summary>
internal static class ReconstructCommand
{
    public static Command Create(Screen screen)
    {
        var image = new Argument<string>("IMAGE") { Description = "The picture to reconstruct." };
        var options = new DrawingOptions("Where to write. [default: the picture's name with -reconstructed, in this folder]");
        var command = new Command("reconstruct",
            """
            Reconstruct a picture from its embedding alone, to show what the model preserves of it. It starts from a random
            representation or, with a bank, from the entry whose picture is nearest; never from the picture itself.
            The judge reports the cosine of both pictures and, for reference, of two views of the original.

              obverse reconstruct photo.jpg
              obverse reconstruct photo.jpg --quality draft --seed 3 -o again.png
            """)
        {
            image,
        };
        foreach (var option in options.OfPictures) command.Add(option);
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(image);
            var session = options.Session(parsed, screen);
            return (session with
            {
                Named = Path.GetFileNameWithoutExtension(path) + "-reconstructed",
                Request = session.Request with
                {
                    Recipe = "reconstruct", Shape = DrawingOptions.ShapeOf(path), Parts = new Prompt([new(null, 1, path)]),
                    Adapt = recipe => session.Request.Bank is null ? recipe : recipe with { Bank = new() { Neighbours = 0 } },
                },
                Report = (drawings, workshop) =>
                {
                    using var judge = session.OpenJudge(workshop);
                    SayReport(screen, session.Json, drawings[0], ReconstructReport.Of(path, drawings[0], judge, workshop));
                },
            }).Run();
        });
        return command;
    }

    private static void SayReport(Screen screen, bool json, JobFinished drawn, ReconstructReport report)
    {
        var before = drawn.Before!.Value.Similarity;
        if (json)
        {
            screen.Json(new
            {
                Event = "result", drawn.File, drawn.Job.Seed, drawn.Picture.Width, drawn.Picture.Height, Seconds = Math.Round(drawn.Seconds, 3), Cosine = new { Before = before, After = drawn.Similarity },
                report.Judge, report.JudgeOfTwoViews, InitialEntry = report.InitialEntry is { } at ? new { at.Caption, at.Cosine } : null,
            });
            return;
        }

        void Say(FormattableString line) => screen.Say(line.ToString(CultureInfo.InvariantCulture));
        Say($"{drawn.File}  {drawn.Picture.Width}x{drawn.Picture.Height}, cosine to the picture's embedding {before:0.000} before, {drawn.Similarity:0.000} after, {Durations.Show(drawn.Seconds)}");
        if (report.InitialEntry is { } entry) Say($"  began from the bank's \"{entry.Caption}\", cosine {entry.Cosine:0.000} to the picture{(entry.Cosine > ReconstructReport.Same ? ": possibly the same picture, which would invalidate the reconstruction" : "")}");
        if (report is not { Judge: { } like, JudgeOfTwoViews: { } two }) return;
        Say($"  judge: cosine {like.LowPass:0.000} in low-pass views (two views of the picture: {two.LowPass:0.000}, ratio {like.LowPass / two.LowPass:0.00}), {like.FullResolution:0.000} at full resolution ({two.FullResolution:0.000}, ratio {like.FullResolution / two.FullResolution:0.00})");
    }
}
