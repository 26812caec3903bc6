using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>Cosine of a reconstruction to its picture and, for reference, of two views of the picture.</summary>
/// <param name="Judge">Cosines of both embeddings under the judge; null: not judged.</param>
/// <param name="JudgeOfTwoViews">The mean over pairs of independent views of the picture.</param>
/// <param name="InitialEntry">Caption of the bank entry it started from, and its cosine to the picture; null: it started from a random representation.</param>
public sealed record ReconstructReport(Likeness? Judge, Likeness? JudgeOfTwoViews, (string Caption, double Cosine)? InitialEntry)
{
    private const int Pairs = 8; // of views, whose mean cosine is the reference

    /// <summary>Two different pictures of one object have cosines below about this.</summary>
    public const double Same = 0.9;

    public static ReconstructReport Of(string image, JobFinished drawing, Judge? judge, Workshop workshop)
    {
        var picture = Picture.Load(image).OnWhite().Resize(drawing.Picture.Width, drawing.Picture.Height);
        return new(judge?.Likeness(picture, drawing.Picture), judge is null ? null : OfViews(judge, drawing.Job.Seed, picture), drawing.Job.Bank is null ? null : Entry(drawing.Job, workshop));
    }

    // Through the views that all implicit recipes share: without the noise and blur of this recipe, which would lower the reference.
    private static Likeness OfViews(Judge judge, ulong seed, Picture picture)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var random = Generator.For(seed, 2);
        var seen = (Recipes.ImplicitPlain().Views with { Count = 2 * Pairs }).Apply(picture.ToTensor(), random);
        Likeness[] all = [.. Enumerable.Range(0, Pairs).Select(i => judge.Likeness(seen.ToPicture(2 * i), seen.ToPicture(2 * i + 1)))];
        return new(all.Average(l => l.LowPass), all.Average(l => l.FullResolution));
    }

    // The entry whose picture is nearest, as the job finds it.
    private static (string, double) Entry(InversionJob job, Workshop workshop)
    {
        using var scope = new TensorScope();
        using var inversion = new InversionBuilder(job, workshop).Build();
        var index = workshop.Bank(job.Bank!).Index;
        var (scores, rows) = index.NearestImages(inversion.Targets[Targets.Prompt][0].Direction, 1);
        var row = (int)rows.Item();
        return (index.Captions.Count > 0 ? index.Captions[row] : $"entry {row}", scores.Item());
    }
}
