using System.Globalization;
using System.Text;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Jobs;

public sealed partial record Ablation
{
    private int Side => Request.Size?.Width ?? throw new ArgumentException("an ablation needs a size");

    /// <summary>Writes table.md, table.csv and sheet.png from the pictures drawn so far.</summary>
    /// <param name="encoder">The drawing model: its cosine of picture and caption is CLIPSIM (spec metrics.md 7.4).</param>
    /// <param name="judge">Judges again any picture that another judge has judged.</param>
    /// <param name="features">The network of the Fréchet distance; null: no distance.</param>
    /// <param name="real">Real pictures for the Fréchet distance; null: no distance.</param>
    /// <param name="realName">Their name in the table.</param>
    /// <param name="onUnreadable">Called with the one line that says what is wrong with a real picture, which is left out.</param>
    /// <returns>The table.</returns>
    public string Report(ClipEncoder encoder, Judge judge, FeatureNetwork? features = null, PictureSource? real = null, string realName = "", Action<string>? onUnreadable = null)
    {
        Entry[] entries = [.. Entries().Select(entry => entry.Judge == JudgeSha256 ? entry : entry.By(judge.Assess(Picture.Load(Path.Combine(Folder, entry.File)), Captions[entry.Caption]), JudgeSha256))];
        if (entries.Length == 0) throw new InvalidDataException($"{Folder}: holds no drawn pictures yet");
        // Only captions that every variant has: the comparison is paired.
        var common = entries.GroupBy(e => e.Caption).Where(g => Variants.All(v => g.Any(e => e.Variant == v.Name))).Select(g => g.Key).Order().ToArray();
        var shown = common.Length > 0 ? entries.Where(e => common.Contains(e.Caption)).ToArray() : [.. entries];
        using var scope = new TensorScope();
        var similarity = Similarities(encoder, entries);
        double Own(Entry e) => similarity[(e.Variant, e.Caption)];
        using var extraction = features is null ? null : new FeatureExtraction(features, cache: null);
        Tensor Features(PictureSource of) => extraction!.Of(of, onUnreadable).Rows.All();
        var reference = extraction is not null && real is { Pictures.Count: > 1 } ? Features(real) : null;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{common.Length} captions, {Side} px, seed {Request.Seed}, drawn by {string.Join(" + ", Request.Models)}; the judge never draws. In brackets: the 95 % interval of the paired difference to `{Variants[0].Name}` (bootstrap over captions).");
        if (reference is not null) text.Append(CultureInfo.InvariantCulture, $" Fréchet distance ({features!.Name}'s pooled features): {common.Length} pictures against {reference.Size(0)} of {realName}; biased upward at this sample size, so comparable only within this table; its intervals are of the difference over {Halves} random halves of the captions (delete-half jackknife; a bootstrap would be biased).");
        text.Append("\n\n");
        Entry[] Of(Variant v) => [.. shown.Where(e => e.Variant == v.Name).OrderBy(e => e.Caption)];
        var first = Of(Variants[0]);
        Tensor? firstFeatures = null;
        List<IEnumerable<string>> lines = [];
        foreach (var variant in Variants)
        {
            var rows = Of(variant);
            if (rows.Length == 0) continue;
            string Cell(Func<Entry, double> number, string format)
            {
                var mean = rows.Average(number).ToString(format, CultureInfo.InvariantCulture);
                if (variant == Variants[0] || rows.Length != first.Length) return mean;
                var sure = PairedBootstrap.Of([.. rows.Select(number)], [.. first.Select(number)]);
                return string.Create(CultureInfo.InvariantCulture, $"{mean} [{sure.Low.ToString("+" + format + ";-" + format, CultureInfo.InvariantCulture)}, {sure.High.ToString("+" + format + ";-" + format, CultureInfo.InvariantCulture)}]");
            }

            int[] ranks = [.. rows.Select(e => e.Rank).Order()];
            var seen = reference is null || rows.Length < 2 ? null : Features(PictureSource.Of(variant.Name, [.. rows.Select(e => new SourcePicture(e.File, []))], [.. rows.Select(e => Path.Combine(Folder, e.File))]));
            var distance = seen is null ? "-" : FrechetDistance.Between(seen, reference!).ToString("0", CultureInfo.InvariantCulture);
            if (variant == Variants[0]) firstFeatures = seen;
            else if (seen is not null && firstFeatures is not null && rows.Length == first.Length && rows.Length >= 8) distance += Differences(seen, firstFeatures, reference!);
            double[] seconds = [.. rows.Select(e => e.Seconds).Order()];
            lines.Add([variant.Name, Cell(Own, "0.0"), Cell(e => e.LowPass, "0.00"), Cell(e => e.FullResolution, "0.00"), Cell(e => e.Cosine, "0.000"), string.Create(CultureInfo.InvariantCulture, $"{ranks[ranks.Length / 2]} ({rows.Average(e => e.Rank <= 5 ? 1.0 : 0):P0})"), distance, seconds[seconds.Length / 2].ToString("0.0", CultureInfo.InvariantCulture)]);
        }

        text.Append(ResultTable.Markdown(["variant", "CLIPSIM under the drawing model", "judge, low-pass (log-probability)", "judge, full resolution", "cosine under the judge, low-pass", "low-pass rank, median (top-5)", "Fréchet distance", "seconds"], lines)).Append('\n');
        foreach (var variant in Variants) text.Append(CultureInfo.InvariantCulture, $"* `{variant.Name}`: {variant.About}\n");
        AtomicFile.WriteText(Path.Combine(Folder, "table.md"), text.ToString());
        AtomicFile.WriteText(Path.Combine(Folder, "table.csv"), ResultTable.Csv("variant,caption,text,clipsim,target_similarity,lowpass_log_probability,full_log_probability,lowpass_rank,full_rank,lowpass_cosine,full_cosine,seconds", entries.Select(e => (FormattableString)
            $"{e.Variant},{e.Caption},{Captions[e.Caption]},{Own(e):F2},{e.Own:F4},{e.LowPass:F3},{e.FullResolution:F3},{e.Rank},{e.FullRank},{e.Cosine:F4},{e.FullCosine:F4},{e.Seconds:F1}")));
        WriteSheet(shown);
        return text.ToString();
    }

    // CLIPSIM: 100 cos(picture, raw caption). The job's own similarity is the cosine to its target, which may be aligned (Procrustes).
    private Dictionary<(string, int), double> Similarities(ClipEncoder encoder, IReadOnlyList<Entry> entries)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var captions = entries.Select(e => e.Caption).Distinct().ToDictionary(caption => caption, caption => encoder.Embed([Captions[caption]])[0]);
        return entries.ToDictionary(e => (e.Variant, e.Caption), e => TensorScope.Of(() => encoder.Embed(Picture.Load(Path.Combine(Folder, e.File)).ToTensor())[0] * captions[e.Caption]) is var product ? 100.0 * product.Sum().Item() : 0);
    }

    private const int Halves = 200;

    // The spread of the difference between two variants' distances over random halves of the captions, around the whole's.
    private static string Differences(Tensor features, Tensor first, Tensor real)
    {
        var random = new Random(1);
        var n = (int)features.Size(0);
        double[] differences = [.. Enumerable.Range(0, Halves).Select(_ =>
        {
            var order = Enumerable.Range(0, n).ToArray();
            random.Shuffle(order);
            using var scope = new TensorScope();
            var half = Tensor.From([.. order[..(n / 2)].Select(row => (long)row)], n / 2);
            return FrechetDistance.Between(features.IndexSelect(0, half), real) - FrechetDistance.Between(first.IndexSelect(0, half), real);
        }).Order()];
        return string.Create(CultureInfo.InvariantCulture, $" [{differences[Halves / 40]:+0;-0}, {differences[Halves - 1 - Halves / 40]:+0;-0}]");
    }

    private const int Columns = 10;

    private void WriteSheet(IReadOnlyList<Entry> entries)
    {
        int[] columns = [.. entries.Select(e => e.Caption).Distinct().Order().Take(Columns)];
        var rows = Variants.Where(v => columns.All(c => entries.Any(e => e.Variant == v.Name && e.Caption == c))).ToArray();
        if (rows.Length == 0) return;
        var cells = rows.SelectMany(v => columns.Select(c => entries.First(e => e.Variant == v.Name && e.Caption == c))).Select(e => (Picture.Load(Path.Combine(Folder, e.File)), $"{e.Rank}: {Captions[e.Caption]}")).ToList();
        ContactSheet.Save(ContactSheet.Draw(cells, columns.Length, 112, "Low-pass rank under the judge, and caption", rowHeadings: [.. rows.Select(v => v.Name)]), Path.Combine(Folder, "sheet.png"));
    }
}
