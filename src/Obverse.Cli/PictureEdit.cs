using System.CommandLine;
using System.Globalization;
using System.Text;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>What `edit` and `restyle` have in common: a picture moved toward something by a share, and the report of what was gained and what it cost.</summary>
internal sealed record PictureEdit(Screen Screen, InvertSession Session, string Recipe, string Image, IReadOnlyList<PromptPart> Toward, IReadOnlyList<double> Mixes)
{
    private const string Usual = "0.6"; // spec implicit-inversion.md 2.9

    public static Option<double?> Mix() => Flags.Parsed<double?>("--mix", "0…1", $"How much of the target is new: 0 is the picture, 1 the text or style alone. [default: {Usual}]", text => Share(text));

    public static Option<double[]?> SeveralMixes() => Flags.Parsed<double[]?>("--mixes", "A,B,C", "Several of them: a picture each, a sheet, a plot of what it costs, and a CSV.", Shares);

    // An option of several values that is not given is an empty array.
    public static double[] Chosen(double? mix, double[]? mixes) => mixes is not { Length: > 0 } ? [mix ?? Share(Usual)] : mix is null ? mixes : throw new UsageException("--mix and --mixes were both given: one of them is wanted");

    /// <summary>What it is moved toward, in words; a picture by its file's name.</summary>
    private string Aim => string.Join(" | ", Toward.Select(part => part.Image is { } image ? part with { Image = Path.GetFileName(image) } : part));

    public int Begin()
    {
        var named = $"{PictureOptions.Stem(Image)}-{OutputPaths.Slug(Toward[0].Text ?? PictureOptions.Stem(Toward[0].Image!))}";
        return (Session with
        {
            Recipe = Recipe, Start = Image, Shape = PictureOptions.ShapeOf(Image), Named = named, Parts = Mixed(Mixes[0]),
            Adapt = recipe => Session.Bank is null ? recipe : recipe with { Prior = new(IsRetrieved: false) },
            Series = [.. Mixes.Select(mix => (Mixes.Count == 1 ? "" : "-mix" + Text(mix), (Func<Run, Run>)(run => run with { Prompt = Mixed(mix) })))],
            Report = Report,
        }).Begin();
    }

    // normalise((1 - a) θ_I(x) + a R θ_T(y)): the texts' weights are shared out as they were given.
    private Prompt Mixed(double mix) => new([.. Toward.Select(part => part with { Weight = part.Weight * mix }), new(null, Math.Round(1 - mix, 9), Image)]);

    private void Report(IReadOnlyList<Drawn> drawings, LoadedModel model)
    {
        using var judge = Session.FindJudge();
        var input = Picture.Load(Image).Resize(drawings[0].Picture.Width, drawings[0].Picture.Height);
        EditFigures[] rows = [.. drawings.Select((drawn, i) => Figures(judge, input, drawn, Mixes[i]))];
        foreach (var (drawn, row) in drawings.Zip(rows)) Tell(drawn, row);
        if (Mixes.Count == 1) return;

        var files = drawings[0].File[..^("-mix" + Text(Mixes[0]) + ".png").Length];
        var (start, first) = (drawings[0].Before!.Value.Picture, rows[0]);
        List<(Picture, string)> cells = [(input, "the picture"), (start, Line($"fitted: SSIM {first.SsimOfFit:0.00}")), .. drawings.Zip(rows, (drawn, row) => (drawn.Picture, Line($"mix {row.Mix}: SSIM {row.Ssim:0.00}, judge {row.JudgeAfter - row.JudgeBefore:+0.000;-0.000}")))];
        ContactSheet.Draw(cells, cells.Count, Math.Clamp(Math.Max(input.Width, input.Height), 128, 256), $"{PictureOptions.Stem(Image)}, {Recipe}: {Aim}").Save(files + "-sheet.png");
        AtomicFile.Write(files + ".csv", stream => stream.Write(Encoding.UTF8.GetBytes(EditFigures.Csv(rows))));
        List<string> written = [files + "-sheet.png", files + ".csv"];
        if (judge is not null)
        {
            new LinePlot
            {
                Title = $"{PictureOptions.Stem(Image)}: {Aim}", XLabel = "the judge's move toward it (coarse cosine, after - before)", YLabel = "SSIM to the picture",
                Series = [new Series("mixes " + string.Join(", ", Mixes.Select(Text)), [.. rows.Select(r => r.Ssim)], [.. rows.Select(r => r.JudgeAfter - r.JudgeBefore)])],
            }.Draw().Save(files + "-tradeoff.png");
            written.Add(files + "-tradeoff.png");
        }

        if (Session.Json) Screen.Json(new { Event = "files", Files = written });
        else Screen.Say(string.Join("  ", written));
    }

    private EditFigures Figures(Judge? judge, Picture input, Drawn drawn, double mix)
    {
        var (before, after) = (drawn.Before!.Value.Picture, drawn.Picture);
        var (was, now) = judge is null ? (new(double.NaN, double.NaN), new(double.NaN, double.NaN)) : (Seen(judge, before), Seen(judge, after));
        return new(mix, drawn.Before!.Value.Similarity, drawn.Similarity, ImageQuality.Psnr(input, before), ImageQuality.Psnr(input, after), ImageQuality.Ssim(input, before), ImageQuality.Ssim(input, after), was.Coarse, now.Coarse, was.Sharp, now.Sharp);
    }

    // Toward texts, or toward the style's picture.
    private Likeness Seen(Judge judge, Picture picture)
    {
        Likeness[] all = [.. Toward.Where(part => part.Weight > 0).Select(part => part.Text is { } text ? judge.Look(picture, text) is var v ? new Likeness(v.Coarse.Cosine, v.Sharp.Cosine) : default : judge.Likeness(picture, Picture.Load(part.Image!)))];
        return new(all.Average(l => l.Coarse), all.Average(l => l.Sharp));
    }

    private void Tell(Drawn drawn, EditFigures row)
    {
        if (Session.Json)
        {
            Screen.Json(new { Event = "result", drawn.File, drawn.Run.Seed, drawn.Picture.Width, drawn.Picture.Height, Seconds = Math.Round(drawn.Seconds, 3), Figures = row });
            return;
        }

        Screen.Say(Line($"{drawn.File}  {drawn.Picture.Width}x{drawn.Picture.Height}, mix {row.Mix}: cosine to the target {row.CosineBefore:0.000} before, {row.CosineAfter:0.000} after, {Durations.Show(drawn.Seconds)}"));
        Screen.Say(Line($"  to the picture: PSNR {row.PsnrOfFit:0.0} dB fitted, {row.Psnr:0.0} after; SSIM {row.SsimOfFit:0.000} fitted, {row.Ssim:0.000} after"));
        if (double.IsFinite(row.JudgeAfter)) Screen.Say(Line($"  judge, toward \"{Aim}\": {row.JudgeBefore:0.000} before, {row.JudgeAfter:0.000} after; sharp {row.JudgeSharpBefore:0.000}, {row.JudgeSharpAfter:0.000}"));
    }

    private static double Share(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1 ? share : throw new FormatException("a number from 0 to 1 was wanted");

    private static double[] Shares(string text)
    {
        double[] all = [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Share)];
        return all.Length > 0 ? all : throw new FormatException("numbers from 0 to 1, with commas between them, were wanted");
    }

    private static string Text(double mix) => mix.ToString(CultureInfo.InvariantCulture);

    private static string Line(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What an edit gained and what it cost. "Before" is the fitted picture; PSNR and SSIM (Gaussian window) are to the picture itself.</summary>
internal sealed record EditFigures(double Mix, double CosineBefore, double CosineAfter, double PsnrOfFit, double Psnr, double SsimOfFit, double Ssim, double JudgeBefore, double JudgeAfter, double JudgeSharpBefore, double JudgeSharpAfter)
{
    public static string Csv(IEnumerable<EditFigures> rows) => "mix,cosine_before,cosine_after,psnr_fitted,psnr,ssim_fitted,ssim,judge_before,judge_after,judge_sharp_before,judge_sharp_after\n" + string.Concat(rows.Select(r =>
        string.Create(CultureInfo.InvariantCulture, $"{r.Mix},{r.CosineBefore:F4},{r.CosineAfter:F4},{r.PsnrOfFit:F2},{r.Psnr:F2},{r.SsimOfFit:F4},{r.Ssim:F4},{r.JudgeBefore:F4},{r.JudgeAfter:F4},{r.JudgeSharpBefore:F4},{r.JudgeSharpAfter:F4}\n")));
}
