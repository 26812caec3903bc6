using System.Globalization;
using System.Text;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Jobs;

/// <summary>Gain and cost of an edit. "Before" is the fitted picture; PSNR and SSIM (Gaussian window) are to the picture itself; the judge's figures are cosines in its low-pass views and at full resolution.</summary>
public sealed record EditFigures(double Mix, double CosineBefore, double CosineAfter, double PsnrOfFit, double Psnr, double SsimOfFit, double Ssim, double JudgeBefore, double JudgeAfter, double JudgeFullBefore, double JudgeFullAfter);

/// <summary>A picture moved toward a target by several mixes: figures, contact sheet, trade-off plot, CSV.</summary>
public sealed class EditReport
{
    private readonly string image, recipe;
    private readonly IReadOnlyList<PromptPart> toward;
    private readonly IReadOnlyList<JobFinished> drawings;
    private readonly Picture input;
    private readonly bool isJudged;

    /// <param name="image">The picture's file.</param>
    /// <param name="recipe">"edit" or "restyle".</param>
    /// <param name="toward">The target.</param>
    /// <param name="mixes">The mix of each drawing.</param>
    /// <param name="drawings">Made with <see cref="Outputs.Compares"/>.</param>
    /// <param name="judge">Null: not judged.</param>
    public EditReport(string image, string recipe, IReadOnlyList<PromptPart> toward, IReadOnlyList<double> mixes, IReadOnlyList<JobFinished> drawings, Judge? judge)
    {
        (this.image, this.recipe, this.toward, this.drawings, isJudged) = (image, recipe, toward, drawings, judge is not null);
        input = Picture.Load(image).OnWhite().Resize(drawings[0].Picture.Width, drawings[0].Picture.Height);
        Rows = [.. drawings.Select((drawing, i) => Figures(judge, drawing, mixes[i]))];
    }

    public IReadOnlyList<EditFigures> Rows { get; }

    /// <summary>The target; a picture by its file name.</summary>
    public string Aim => string.Join(" | ", toward.Select(part => part.Image is { } file ? part with { Image = Path.GetFileName(file) } : part));

    /// <summary>The prompt of a mix a: normalise((1 - a) E(picture) + a R E(target)); the weights of the target's parts are scaled by a.</summary>
    public static Prompt Mixed(string image, IReadOnlyList<PromptPart> toward, double mix) => new([.. toward.Select(part => part with { Weight = part.Weight * mix }), new(null, Math.Round(1 - mix, 9), image)]);

    /// <summary>Writes contact sheet, CSV and, if judged, the plot; returns their names.</summary>
    /// <param name="stem">The start of their names.</param>
    public IReadOnlyList<string> Write(string stem)
    {
        string Beside(string suffix, string extension) => FileNames.Beside(stem + ".png", suffix, extension);
        var (sheet, csv, plot) = (Beside("-sheet", ".png"), Beside("", ".csv"), Beside("-tradeoff", ".png"));
        var (start, first, name) = (drawings[0].Before!.Value.Picture, Rows[0], Path.GetFileNameWithoutExtension(image));
        List<(Picture, string)> cells = [(input, "the picture"), (start, Line($"fitted: SSIM {first.SsimOfFit:0.00}")), .. drawings.Zip(Rows, (drawing, row) => (drawing.Picture, Line($"mix {row.Mix}: SSIM {row.Ssim:0.00}, judge {row.JudgeAfter - row.JudgeBefore:+0.000;-0.000}")))];
        ContactSheet.Save(ContactSheet.Draw(cells, cells.Count, Math.Clamp(Math.Max(input.Width, input.Height), 128, 256), $"{name}, {recipe}: {Aim}"), sheet);
        AtomicFile.Write(csv, stream => stream.Write(Encoding.UTF8.GetBytes(Csv())));
        if (!isJudged) return [sheet, csv];
        new LinePlot
        {
            Title = $"{name}: {Aim}", XLabel = "gain in cosine to the target under the judge (low-pass)", YLabel = "SSIM to the picture",
            Series = [new Series("mixes " + string.Join(", ", Rows.Select(row => Line($"{row.Mix}"))), [.. Rows.Select(row => row.Ssim)], [.. Rows.Select(row => row.JudgeAfter - row.JudgeBefore)])],
        }.Draw().Save(plot);
        return [sheet, csv, plot];
    }

    private string Csv() => "mix,cosine_before,cosine_after,psnr_fitted,psnr,ssim_fitted,ssim,judge_before,judge_after,judge_full_before,judge_full_after\n" + string.Concat(Rows.Select(r =>
        Line($"{r.Mix},{r.CosineBefore:F4},{r.CosineAfter:F4},{r.PsnrOfFit:F2},{r.Psnr:F2},{r.SsimOfFit:F4},{r.Ssim:F4},{r.JudgeBefore:F4},{r.JudgeAfter:F4},{r.JudgeFullBefore:F4},{r.JudgeFullAfter:F4}\n")));

    private EditFigures Figures(Judge? judge, JobFinished drawing, double mix)
    {
        var (fitted, before) = drawing.Before!.Value;
        var (was, now) = judge is null ? (new(double.NaN, double.NaN), new(double.NaN, double.NaN)) : (Seen(judge, fitted), Seen(judge, drawing.Picture));
        return new(mix, before, drawing.Similarity, ImageQuality.Psnr(input, fitted), ImageQuality.Psnr(input, drawing.Picture), ImageQuality.Ssim(input, fitted), ImageQuality.Ssim(input, drawing.Picture), was.LowPass, now.LowPass, was.FullResolution, now.FullResolution);
    }

    // Toward texts, or toward the style's picture.
    private Likeness Seen(Judge judge, Picture picture)
    {
        Likeness[] all = [.. toward.Where(part => part.Weight > 0).Select(part => part.Text is { } text ? judge.Assess(picture, text) is var j ? new Likeness(j.LowPass.Cosine, j.FullResolution.Cosine) : default : judge.Likeness(picture, Picture.Load(part.Image!)))];
        return new(all.Average(l => l.LowPass), all.Average(l => l.FullResolution));
    }

    private static string Line(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);
}
