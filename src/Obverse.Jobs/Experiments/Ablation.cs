using System.Globalization;
using System.Text.Json;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Jobs;

/// <summary>
/// The same captions and seeds drawn by several variants, measured, and compared pairwise with the first. Its folder holds the pictures, one row per picture in <c>results*.sqlite</c>
/// (written when it is measured, so that a kill loses at most the current picture), and table, CSV and contact sheet.
/// </summary>
public sealed partial record Ablation
{
    /// <summary>The file that measurements go to.</summary>
    internal static readonly DatabaseKind Log = new("OAbl", 1, "create table results (variant text not null, caption integer not null, entry text not null, primary key (variant, caption)) without rowid");

    public required string Folder { get; init; }
    public required IReadOnlyList<string> Captions { get; init; }
    public required IReadOnlyList<Variant> Variants { get; init; }

    /// <summary>Shared by all jobs: models, size, the first caption's seed.</summary>
    public required InversionRequest Request { get; init; }

    /// <summary>SHA-256 of the judge's weights: results of another judge do not count.</summary>
    public string? JudgeSha256 { get; init; }

    /// <summary>The shard of captions to draw: every <c>Of</c>-th from <c>Index</c> (from 1).</summary>
    public (int Index, int Of) Shard { get; init; } = (1, 1);

    /// <summary>The bank fitted without weight perturbation, for variants that start from it.</summary>
    public string? PlainBank { get; init; }

    /// <summary>Pictures drawn in parallel, one core each.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>One picture, measured; <see cref="Judge"/> is the hash of the judge.</summary>
    public sealed record Entry(string Variant, int Caption, string File, double Own, double LowPass, double FullResolution, int Rank, int FullRank, double Cosine, double FullCosine, double Seconds, string? Judge = null)
    {
        internal Entry By(Judgement judgement, string? judge) => this with
        {
            LowPass = judgement.LowPass.LogProbability, FullResolution = judgement.FullResolution.LogProbability, Rank = judgement.LowPass.Rank, FullRank = judgement.FullResolution.Rank,
            Cosine = judgement.LowPass.Cosine, FullCosine = judgement.FullResolution.Cosine, Judge = judge,
        };
    }

    /// <summary>Draws the missing pictures of this shard.</summary>
    /// <param name="workshop">Models and banks.</param>
    /// <param name="judge">The judge.</param>
    /// <param name="onProgress">Called after each picture with its entry, the number done and the total.</param>
    /// <param name="cancellation">Checked between steps.</param>
    public void Draw(Workshop workshop, Judge judge, Action<Entry, int, int>? onProgress = null, CancellationToken cancellation = default)
    {
        var known = Entries().ToDictionary(entry => (entry.Variant, entry.Caption));
        Directory.CreateDirectory(Folder);
        using var log = Database.Open(Path.Combine(Folder, Shard.Of == 1 ? "results.sqlite" : $"results-{Shard.Index}-of-{Shard.Of}.sqlite"), Log);
        DrawPictures(workshop, (variant, caption, path, made, done, of) =>
        {
            if (made is null && known.TryGetValue((variant, caption), out var entry) && entry.Judge == JudgeSha256) return;
            entry = new Entry(variant, caption, FileOf(variant, caption), made?.Last?.Similarity ?? known.GetValueOrDefault((variant, caption))?.Own ?? double.NaN, 0, 0, 0, 0, 0, 0, Math.Round(made?.Seconds ?? double.NaN, 2)).By(judge.Assess(Picture.Load(path), Captions[caption]), JudgeSha256);
            log.Run("insert or replace into results values ($1, $2, $3)", entry.Variant, entry.Caption, PartJson.Write(entry));
            if (made is not null) onProgress?.Invoke(entry, done, of);
        }, cancellation);
    }

    /// <summary>Draws the missing pictures of this shard, and judges none.</summary>
    /// <param name="workshop">Models and banks.</param>
    /// <param name="onDone">Called after each with variant, caption, file, the result (null: it was there), the number done and the total.</param>
    /// <param name="cancellation">Checked between steps.</param>
    public void DrawPictures(Workshop workshop, Action<string, int, string, JobFinished?, int, int>? onDone = null, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(Folder);
        var jobs = Variants.ToDictionary(variant => variant.Name, variant => (Request with { Recipe = variant.Recipe.Name, Parts = new([new(Captions[0])]), Bank = BankOf(variant), Adapt = _ => variant.Recipe }).Check(workshop).Job(workshop));
        int[] mine = [.. Enumerable.Range(0, Captions.Count).Where(i => i % Shard.Of == Shard.Index - 1)];
        var done = 0;
        // Caption by caption: an unfinished table still compares like with like.
        JobList.Run(mine.SelectMany(caption => Variants.Select(variant => (Caption: caption, Variant: variant.Name))), at => (jobs[at.Variant] with { Prompt = new([new PromptPart(Captions[at.Caption])]), Seed = Request.Seed + (ulong)at.Caption }, Path.Combine(Folder, FileOf(at.Variant, at.Caption))), workshop, Workers,
            (at, path, made) => onDone?.Invoke(at.Variant, at.Caption, path, made, ++done, mine.Length * Variants.Count), cancellation: cancellation);
    }

    /// <summary>Where a variant's pictures are.</summary>
    public string FolderOf(string variant) => Path.Combine(Folder, "pictures", variant);

    /// <summary>Pictures of all shards that are not there yet.</summary>
    public int Missing => Variants.Sum(variant => Enumerable.Range(0, Captions.Count).Count(caption => !File.Exists(Path.Combine(Folder, FileOf(variant.Name, caption)))));

    /// <summary>N captions, spread evenly over the file's.</summary>
    public static IReadOnlyList<string> Spread(IReadOnlyList<string> captions, int n, string file) =>
        n <= captions.Count ? [.. Enumerable.Range(0, n).Select(i => captions[(int)((long)i * captions.Count / n)])] : throw new UsageException($"{file}: --n {n} was given; the file has {captions.Count} captions");

    /// <summary>All results so far, of every shard.</summary>
    public IReadOnlyList<Entry> Entries()
    {
        if (!Directory.Exists(Folder)) return [];
        var found = new Dictionary<(string, int), Entry>();
        foreach (var file in Directory.EnumerateFiles(Folder, "results*.sqlite").Order(StringComparer.Ordinal))
        {
            using var log = Database.Open(file, Log);
            foreach (var entry in log.Read("select entry from results", row => PartJson.Read<Entry>(row.GetString(0)))) if (Variants.Any(v => v.Name == entry.Variant) && entry.Caption < Captions.Count) found[(entry.Variant, entry.Caption)] = entry;
        }

        return [.. found.Values.OrderBy(entry => entry.Caption)];
    }

    private string? BankOf(Variant variant) => !variant.NeedsBank ? null
        : variant.PlainBank ? PlainBank ?? throw new ArgumentException($"variant '{variant.Name}' starts from a bank fitted without weight perturbation, and none was given") : Request.Bank;

    private string FileOf(string variant, int caption) => Path.Combine("pictures", variant, string.Create(CultureInfo.InvariantCulture, $"{caption + 1:0000}-{FileNames.Slug(Captions[caption], most: 40)}.png"));
}
