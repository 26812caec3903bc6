using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>What `edit` and `restyle` share: the mix of picture and target, and the report of figures.</summary>
internal sealed class MoveOptions(string recipe, string output)
{
    private const double Usual = 0.6; // spec implicit-inversion.md 2.9

    private readonly DrawingOptions options = new(output);
    private readonly Option<double?> mix = Flags.Parsed<double?>("--mix", "0…1", $"Mix of the target: 0 is the picture alone, 1 the text or style alone. [default: {Usual.ToString(CultureInfo.InvariantCulture)}]", text => Share(text));
    private readonly Option<double[]?> mixes = Flags.Parsed<double[]?>("--mixes", "A,B,C", "Several mixes: one picture each, a contact sheet, a trade-off plot and a CSV.", Shares);

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { mix, mixes }.Concat(options.OfPictures)) command.Add(option);
    }

    public int Run(ParseResult parsed, Screen screen, string image, IReadOnlyList<PromptPart> toward, string? mask)
    {
        // An option of several values that is not given is an empty array.
        var (one, several) = (parsed.GetValue(mix), parsed.GetValue(mixes));
        double[] shares = several is not { Length: > 0 } ? [one ?? Usual] : one is null ? several : throw new UsageException("give --mix or --mixes, not both");
        var session = options.Session(parsed, screen);
        string Suffix(double share) => shares.Length == 1 ? "" : "-mix" + share.ToString(CultureInfo.InvariantCulture);
        return (session with
        {
            Named = $"{Path.GetFileNameWithoutExtension(image)}-{FileNames.Slug(toward[0].Text ?? Path.GetFileNameWithoutExtension(toward[0].Image!))}",
            Written = toward.All(part => part.Weight == 1) ? [] : null, // the picture's own share is no weight that was typed
            Request = session.Request with
            {
                Recipe = recipe, Start = image, Mask = mask, Shape = DrawingOptions.ShapeOf(image), Parts = EditReport.Mixed(image, toward, shares[0]),
                Adapt = recipe => session.Request.Bank is null ? recipe : recipe with { Bank = new() { IsRetrieved = false } },
            },
            Series = [.. shares.Select(share => (Suffix(share), (Func<InversionJob, InversionJob>)(job => job with { Prompt = new([.. EditReport.Mixed(image, toward, share).Parts.Select(part => part.Hashed())]) })))],
            Report = (drawings, workshop) =>
            {
                using var judge = session.OpenJudge(workshop);
                var report = new EditReport(image, recipe, toward, shares, drawings, judge);
                foreach (var (drawn, row) in drawings.Zip(report.Rows)) SayFigures(screen, session.Json, drawn, row, report.Aim);
                if (shares.Length == 1) return;
                var written = report.Write(drawings[0].File![..^(Suffix(shares[0]) + ".png").Length]);
                if (session.Json) screen.Json(new { Event = "files", Files = written });
                else screen.Say(string.Join("  ", written));
            },
        }).Run();
    }

    private static void SayFigures(Screen screen, bool json, JobFinished drawn, EditFigures row, string aim)
    {
        if (json)
        {
            screen.Json(new { Event = "result", drawn.File, drawn.Job.Seed, drawn.Picture.Width, drawn.Picture.Height, Seconds = Math.Round(drawn.Seconds, 3), Figures = row });
            return;
        }

        void Say(FormattableString line) => screen.Say(line.ToString(CultureInfo.InvariantCulture));
        Say($"{drawn.File}  {drawn.Picture.Width}x{drawn.Picture.Height}, mix {row.Mix}: cosine to the target {row.CosineBefore:0.000} before, {row.CosineAfter:0.000} after, {Durations.Show(drawn.Seconds)}");
        Say($"  against the picture: PSNR {row.PsnrOfFit:0.0} dB fitted, {row.Psnr:0.0} after; SSIM {row.SsimOfFit:0.000} fitted, {row.Ssim:0.000} after");
        if (double.IsFinite(row.JudgeAfter)) Say($"  judge, toward \"{aim}\": {row.JudgeBefore:0.000} before, {row.JudgeAfter:0.000} after in low-pass views; at full resolution {row.JudgeFullBefore:0.000}, {row.JudgeFullAfter:0.000}");
    }

    private static double Share(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1 ? share : throw new FormatException("a number from 0 to 1 was wanted");

    private static double[] Shares(string text)
    {
        double[] all = [.. DrawingOptions.Names(text).Select(Share)];
        return all.Length > 0 ? all : throw new FormatException("numbers from 0 to 1, separated by commas, were wanted");
    }
}
