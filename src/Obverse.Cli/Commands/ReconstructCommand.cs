using System.CommandLine;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse reconstruct`: what a tower keeps of a picture.</summary>
internal static class ReconstructCommand
{
    private const int Pairs = 8; // of views, whose mean likeness stands beside the reconstruction's
    private const double Same = 0.9; // embeddings of two pictures of one object are at most about that near

    public static Command Create(Screen screen)
    {
        var image = new Argument<string>("IMAGE") { Description = "The picture." };
        var options = new PictureOptions("Where to write. [default: the picture's name with -reconstructed, in this folder]");
        var command = new Command("reconstruct",
            """
            Draw a picture anew from its embedding alone: what the model keeps of it. The drawing begins from a random
            representation or, with a bank, from the entry whose picture is nearest; never from the picture itself.
            The judge says how like the two look and, beside it, how like two views of the picture are to each other.

              obverse reconstruct photo.jpg
              obverse reconstruct photo.jpg --quality draft --seed 3 -o again.png
            """)
        {
            image,
        };
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(image);
            var session = options.Session(parsed, screen);
            return (session with
            {
                Recipe = "reconstruct", Named = PictureOptions.Stem(path) + "-reconstructed", Shape = PictureOptions.ShapeOf(path), Parts = new Prompt([new(null, 1, path)]),
                Adapt = recipe => session.Bank is null ? recipe : recipe with { Prior = new(Neighbours: 0) },
                Report = (drawings, model) => Report(screen, session, path, drawings[0], model),
            }).Begin();
        });
        return command;
    }

    private static void Report(Screen screen, InvertSession session, string path, Drawn drawn, LoadedModel model)
    {
        var picture = Picture.Load(path).Resize(drawn.Picture.Width, drawn.Picture.Height);
        using var judge = session.FindJudge();
        using var bank = session.Bank is null ? null : InrBank.Open(session.Bank, session.Device);
        var begun = bank is null ? null : Begun(bank, model, drawn.Run);
        Likeness? likeness = judge?.Likeness(picture, drawn.Picture), views = judge is null ? null : OfViews(judge, drawn.Run.Seed, picture);
        var before = drawn.Before!.Value.Similarity;
        if (session.Json)
        {
            screen.Json(new { Event = "result", drawn.File, drawn.Run.Seed, drawn.Picture.Width, drawn.Picture.Height, Seconds = Math.Round(drawn.Seconds, 3), Cosine = new { Before = before, After = drawn.Similarity }, Judge = likeness, JudgeOfTwoViews = views, BegunFrom = begun });
            return;
        }

        string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);
        screen.Say($"{drawn.File}  {drawn.Picture.Width}x{drawn.Picture.Height}, cosine to the picture's embedding {Number(before)} before, {Number(drawn.Similarity)} after, {Durations.Show(drawn.Seconds)}");
        if (begun is not null) screen.Say(string.Create(CultureInfo.InvariantCulture, $"  begun from the bank's \"{begun.Caption}\", cosine {begun.Cosine:0.000} to the picture{(begun.Cosine > Same ? ": it may be the picture itself, and then this reconstruction is none" : "")}"));
        if (likeness is not { } like || views is not { } two) return;
        screen.Say(string.Create(CultureInfo.InvariantCulture, $"  judge: likeness {like.Coarse:0.000} (two views of the picture: {two.Coarse:0.000}; {like.Coarse / two.Coarse:0.00} of it), sharp {like.Sharp:0.000} ({two.Sharp:0.000}; {like.Sharp / two.Sharp:0.00})"));
    }

    /// <summary>The mean over pairs of independent draws of the views that all implicit recipes have: without the noise and the blur of this one, which would make the bar lower.</summary>
    private static Likeness OfViews(Judge judge, ulong seed, Picture picture)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var random = Generator.For(seed, 2);
        var seen = (Recipes.ImplicitPlain().Views with { Copies = 2 * Pairs }).Apply(picture.ToTensor(), random);
        Likeness[] all = [.. Enumerable.Range(0, Pairs).Select(i => judge.Likeness(seen.ToPicture(2 * i), seen.ToPicture(2 * i + 1)))];
        return new(all.Average(l => l.Coarse), all.Average(l => l.Sharp));
    }

    // The entry whose picture is nearest, as the run finds it.
    private static Entry Begun(InrBank bank, LoadedModel model, Run run)
    {
        using var scope = new TensorScope();
        using var inversion = run.Begin(model.Encoder, bank);
        var (scores, rows) = bank.Index.NearestImages(inversion.Targets[0].Direction, 1);
        var row = (int)rows.Item();
        return new(bank.Index.Captions.Count > 0 ? bank.Index.Captions[row] : $"entry {row}", scores.Item());
    }

    private sealed record Entry(string Caption, double Cosine);
}
