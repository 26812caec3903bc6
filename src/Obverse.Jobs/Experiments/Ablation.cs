using Obverse.Evaluation;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>
/// The same captions and seeds drawn in several ways, measured, and compared pair by pair with the first way. A folder holds all of it: the pictures, a line a picture in
/// <c>results*.jsonl</c> (written when it is measured, so that a killed run loses at most the picture at hand), and table, CSV and sheet.
/// </summary>
public sealed record Ablation
{
    private static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web) { NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public required string Folder { get; init; }
    public required IReadOnlyList<string> Captions { get; init; }
    public required IReadOnlyList<Variant> Variants { get; init; }
    public required string Model { get; init; }
    public string? ModelSha256 { get; init; }
    public string? WordsSha256 { get; init; }

    /// <summary>What the drawing model computes in, "fp32" or "bf16".</summary>
    public string? Precision { get; init; }

    /// <summary>Of the judge's weights: what another one said of a picture is not kept.</summary>
    public string? JudgeSha256 { get; init; }
    public ulong Seed { get; init; }
    public int Side { get; init; } = 96;

    /// <summary>This machine's part of the captions: every <c>Of</c>-th from <c>Index</c> (from 1).</summary>
    public (int Index, int Of) Shard { get; init; } = (1, 1);
    public string? Bank { get; init; }
    public string? PlainBank { get; init; }

    /// <summary>Pictures side by side, a core each.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>One picture, measured. <see cref="Key"/> says by which run, <see cref="Judge"/> by whom.</summary>
    public sealed record Entry(string Key, string Variant, int Caption, string File, double Own, double Coarse, double Sharp, int Rank, int SharpRank, double Cosine, double SharpCosine, double Seconds, string? Judge = null)
    {
        internal Entry By(Verdict verdict, string? judge) => this with
        {
            Coarse = verdict.Coarse.LogProbability, Sharp = verdict.Sharp.LogProbability, Rank = verdict.Coarse.Rank, SharpRank = verdict.Sharp.Rank, Cosine = verdict.Coarse.Cosine, SharpCosine = verdict.Sharp.Cosine, Judge = judge,
        };
    }

    /// <summary>Draws what is missing of this shard.</summary>
    /// <param name="encoder">Who draws.</param>
    /// <param name="judge">Who judges.</param>
    /// <param name="progress">Told after each picture: it, how many are done, how many there are.</param>
    /// <param name="cancel">Looked at between steps.</param>
    public void Draw(ClipEncoder encoder, Judge judge, Action<Entry, int, int>? progress = null, CancellationToken cancel = default)
    {
        Directory.CreateDirectory(Folder);
        var known = Entries().ToDictionary(entry => (entry.Variant, entry.Caption));
        using var banks = new Banks(this, encoder.Device);
        int[] mine = [.. Enumerable.Range(0, Captions.Count).Where(i => i % Shard.Of == Shard.Index - 1)];
        var done = 0;
        // Caption by caption: a table of what is there compares like with like at any moment.
        Obverse.Jobs.Workers.ForEach(mine.SelectMany(caption => Variants.Select(variant => (Caption: caption, Variant: variant))), Workers, at =>
        {
            cancel.ThrowIfCancellationRequested();
            var (variant, caption) = (at.Variant, at.Caption);
            var (run, bank) = RunOf(variant, caption, banks);
            var path = Path.Combine(Folder, FileOf(variant, caption));
            var key = KeyOf(run);
            var number = Interlocked.Increment(ref done);
            if (known.TryGetValue((variant.Name, caption), out var entry) && entry.Key == key && File.Exists(path)) return;
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var (seconds, own) = DrawnPicture.Draw(run, encoder, path, bank, cancel);
            entry = new Entry(key, variant.Name, caption, FileOf(variant, caption), own, 0, 0, 0, 0, 0, 0, Math.Round(seconds, 2)).By(judge.Look(Picture.Load(path), Captions[caption]), JudgeSha256);
            lock (known)
            {
                Append(entry);
                progress?.Invoke(entry, number, mine.Length * Variants.Count);
            }
        }, cancel);
    }

    /// <summary>All that is measured so far, by any shard; where a picture was measured twice, the last word counts.</summary>
    public IReadOnlyList<Entry> Entries()
    {
        if (!Directory.Exists(Folder)) return [];
        var found = new Dictionary<(string, int), Entry>();
        foreach (var line in Directory.EnumerateFiles(Folder, "results*.jsonl").Order(StringComparer.Ordinal).SelectMany(File.ReadLines))
        {
            try
            {
                if (JsonSerializer.Deserialize<Entry>(line, json) is { Variant: not null } entry && Variants.Any(v => v.Name == entry.Variant) && entry.Caption < Captions.Count) found[(entry.Variant, entry.Caption)] = entry;
            }
            catch (JsonException)
            {
                // the line that a kill cut short: its picture is made again
            }
        }

        return [.. found.Values.OrderBy(e => e.Caption)];
    }

    /// <summary>Writes table.md, table.csv and sheet.png from what is there.</summary>
    /// <param name="encoder">Who drew: its cosine of picture and caption is CLIPSIM (spec metrics.md 7.4).</param>
    /// <param name="judge">Looks again at pictures that another one has judged.</param>
    /// <param name="features">What the Fréchet distance is measured in; null: no distance.</param>
    /// <param name="real">Real pictures to be near to; null: no distance.</param>
    /// <param name="realName">What they are.</param>
    /// <returns>The table.</returns>
    public string Report(ClipEncoder encoder, Judge judge, PictureFeatures? features = null, IReadOnlyList<Picture>? real = null, string realName = "")
    {
        Entry[] entries = [.. Entries().Select(entry => entry.Judge == JudgeSha256 ? entry : Judged(entry, judge))];
        if (entries.Length == 0) throw new InvalidDataException($"{Folder}: nothing is drawn there yet");
        // Only captions that every variant has: the comparison is paired.
        var common = entries.GroupBy(e => e.Caption).Where(g => Variants.All(v => g.Any(e => e.Variant == v.Name))).Select(g => g.Key).Order().ToArray();
        var shown = common.Length > 0 ? entries.Where(e => common.Contains(e.Caption)).ToArray() : [.. entries];
        using var scope = new TensorScope();
        var similarity = Similarities(encoder, entries);
        double Own(Entry e) => similarity[(e.Variant, e.Caption)];
        var reference = features is not null && real is { Count: > 1 } ? Features(features, real) : null;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{common.Length} captions, {Side} px, seed {Seed}, drawn by {Model}; the judge never draws. In brackets: the 95 % interval of the paired difference to `{Variants[0].Name}` (bootstrap over captions).");
        if (reference is not null) text.Append(CultureInfo.InvariantCulture, $" Fréchet distance ({features!.Name}'s pooled features): {common.Length} pictures against {real!.Count} of {realName}; biased upward at such numbers, to be compared within this table only; its intervals are of the difference over {Halves} halves of the captions, which scatter as the whole does (delete-half jackknife; a bootstrap would be biased, spec metrics.md).");
        text.Append("\n\n| variant | CLIPSIM of who drew | judge, coarse (log-probability) | judge, sharp | judge's cosine, coarse | rank, median (top 5) | Fréchet distance | seconds |\n|---|---|---|---|---|---|---|---|\n");
        Entry[] Of(Variant v) => [.. shown.Where(e => e.Variant == v.Name).OrderBy(e => e.Caption)];
        var first = Of(Variants[0]);
        Tensor? firstFeatures = null;
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
            var seen = reference is null || rows.Length < 2 ? null : Features(features!, [.. rows.Select(e => Picture.Load(Path.Combine(Folder, e.File)))]);
            var distance = seen is null ? "-" : FrechetDistance.Between(seen, reference!).ToString("0", CultureInfo.InvariantCulture);
            if (variant == Variants[0]) firstFeatures = seen;
            else if (seen is not null && firstFeatures is not null && rows.Length == first.Length && rows.Length >= 8) distance += Differences(seen, firstFeatures, reference!);
            double[] seconds = [.. rows.Select(e => e.Seconds).Order()];
            text.Append(CultureInfo.InvariantCulture, $"| {variant.Name} | {Cell(Own, "0.0")} | {Cell(e => e.Coarse, "0.00")} | {Cell(e => e.Sharp, "0.00")} | {Cell(e => e.Cosine, "0.000")} | {ranks[ranks.Length / 2]} ({rows.Average(e => e.Rank <= 5 ? 1.0 : 0):P0}) | {distance} | {seconds[seconds.Length / 2]:0.0} |\n");
        }

        text.Append('\n');
        foreach (var variant in Variants) text.Append(CultureInfo.InvariantCulture, $"* `{variant.Name}`: {variant.About}\n");
        Write("table.md", text.ToString());
        Write("table.csv", "variant,caption,text,clipsim,target_similarity,coarse,sharp,rank,sharp_rank,cosine,sharp_cosine,seconds\n" + string.Concat(entries.Select(e => string.Create(CultureInfo.InvariantCulture,
            $"{e.Variant},{e.Caption},\"{Captions[e.Caption].Replace("\"", "\"\"", StringComparison.Ordinal)}\",{Own(e):F2},{e.Own:F4},{e.Coarse:F3},{e.Sharp:F3},{e.Rank},{e.SharpRank},{e.Cosine:F4},{e.SharpCosine:F4},{e.Seconds:F1}\n"))));
        WriteSheet(shown);
        return text.ToString();
    }

    private Entry Judged(Entry entry, Judge judge)
    {
        entry = entry.By(judge.Look(Picture.Load(Path.Combine(Folder, entry.File)), Captions[entry.Caption]), JudgeSha256);
        Append(entry);
        return entry;
    }

    // 100 cos(picture, caption), the raw caption; the run's own number is the cosine to what it drew toward, which Procrustes has turned.
    private Dictionary<(string, int), double> Similarities(ClipEncoder encoder, IReadOnlyList<Entry> entries)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var words = entries.Select(e => e.Caption).Distinct().ToDictionary(caption => caption, caption => encoder.Embed([Captions[caption]])[0]);
        return entries.ToDictionary(e => (e.Variant, e.Caption), e => TensorScope.Of(() => encoder.Embed(Picture.Load(Path.Combine(Folder, e.File)).ToTensor())[0] * words[e.Caption]) is var product ? 100.0 * product.Sum().Item() : 0);
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
        ContactSheet.Draw(cells, columns.Length, 112, "The judge's coarse rank, and the caption", rowHeadings: [.. rows.Select(v => v.Name)]).Save(Path.Combine(Folder, "sheet.png"));
    }

    private Tensor Features(PictureFeatures features, IReadOnlyList<Picture> pictures) =>
        PictureBatches.Run(pictures.Select(p => PictureBatches.CentreCrop(p.Rgb, p.Width, p.Height, Side)), Side, features.Of);

    private (Run Run, InrBank? Bank) RunOf(Variant variant, int caption, Banks banks)
    {
        var (file, bank) = variant.NeedsBank ? banks.Of(variant) : (null, null);
        return (new()
        {
            Recipe = variant.Recipe, Prompt = new([new PromptPart(Captions[caption])]), Model = Model, ModelSha256 = ModelSha256, WordsSha256 = WordsSha256, Precision = Precision, Width = Side, Height = Side, Seed = Seed + (ulong)caption, Bank = file,
        }, bank);
    }

    private static string KeyOf(Run run) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes((run with { Threads = 0 }).ToJson())))[..16];

    private string FileOf(Variant variant, int caption) => Path.Combine("pictures", variant.Name, $"{caption + 1:0000}-{string.Concat(Captions[caption].Take(40).Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-')).Trim('-')}.png");

    private void Append(Entry entry)
    {
        var path = Path.Combine(Folder, Shard.Of == 1 ? "results.jsonl" : $"results-{Shard.Index}-of-{Shard.Of}.jsonl");
        using var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        if (stream.Length > 0)
        {
            stream.Seek(-1, SeekOrigin.End);
            if (stream.ReadByte() != '\n') stream.WriteByte((byte)'\n'); // after a line that a kill cut short
        }

        stream.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(entry, json) + "\n"));
        stream.Flush(flushToDisk: true);
    }

    private void Write(string name, string text) => AtomicFile.Write(Path.Combine(Folder, name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Opened when a variant first wants one.</summary>
    private sealed class Banks(Ablation of, Torch.Device device) : IDisposable
    {
        private readonly Dictionary<string, (StoredFile File, InrBank Bank)> open = [];

        public (StoredFile File, InrBank Bank) Of(Variant variant)
        {
            var path = (variant.PlainBank ? of.PlainBank : of.Bank) ?? throw new ArgumentException($"variant '{variant.Name}' begins from a bank of pictures{(variant.PlainBank ? " fitted without perturbation" : "")}, and none was given");
            lock (open)
            {
                if (!open.TryGetValue(path, out var one)) open[path] = one = (InrBank.Describe(path), InrBank.Open(path, device));
                return one;
            }
        }

        public void Dispose()
        {
            foreach (var (_, bank) in open.Values) bank.Dispose();
        }
    }
}
