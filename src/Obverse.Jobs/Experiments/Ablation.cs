using System.Globalization;
using System.Text.Json;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Jobs;

/// <summary>
/// The same captions and seeds drawn in several ways, measured, and compared pair by pair with the first way. A folder holds all of it: the pictures, a row a picture in <c>results*.sqlite</c>
/// (written when it is measured, so that a killed run loses at most the picture at hand), and table, CSV and sheet.
/// </summary>
public sealed partial record Ablation
{
    /// <summary>The file that measurements go to.</summary>
    internal static readonly DatabaseKind Log = new("OAbl", 1, "create table results (variant text not null, caption integer not null, entry text not null, primary key (variant, caption)) without rowid");

    public required string Folder { get; init; }
    public required IReadOnlyList<string> Captions { get; init; }
    public required IReadOnlyList<Variant> Variants { get; init; }

    /// <summary>What all jobs have in common: models, size, the first caption's seed.</summary>
    public required InversionRequest Request { get; init; }

    /// <summary>SHA-256 of the judge's weights: what another one said of a picture does not count.</summary>
    public string? JudgeSha256 { get; init; }

    /// <summary>This machine's part of the captions: every <c>Of</c>-th from <c>Index</c> (from 1).</summary>
    public (int Index, int Of) Shard { get; init; } = (1, 1);

    /// <summary>For the variants that begin from fits without perturbation.</summary>
    public string? PlainBank { get; init; }

    /// <summary>Pictures side by side, a core each.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>One picture, measured; <see cref="Judge"/> says by whom.</summary>
    public sealed record Entry(string Variant, int Caption, string File, double Own, double LowPass, double FullResolution, int Rank, int FullRank, double Cosine, double FullCosine, double Seconds, string? Judge = null)
    {
        internal Entry By(Judgement judgement, string? judge) => this with
        {
            LowPass = judgement.LowPass.LogProbability, FullResolution = judgement.FullResolution.LogProbability, Rank = judgement.LowPass.Rank, FullRank = judgement.FullResolution.Rank,
            Cosine = judgement.LowPass.Cosine, FullCosine = judgement.FullResolution.Cosine, Judge = judge,
        };
    }

    /// <summary>Draws what is missing of this shard.</summary>
    /// <param name="workshop">Models and banks.</param>
    /// <param name="judge">Who judges.</param>
    /// <param name="onProgress">Is told after each picture that was made: it, how many are done, how many there are.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    public void Draw(Workshop workshop, Judge judge, Action<Entry, int, int>? onProgress = null, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(Folder);
        var jobs = Variants.ToDictionary(variant => variant.Name, variant => (Request with { Recipe = variant.Recipe.Name, Parts = new([new(Captions[0])]), Bank = BankOf(variant), Adapt = _ => variant.Recipe }).Check(workshop).Job(workshop));
        var known = Entries().ToDictionary(entry => (entry.Variant, entry.Caption));
        int[] mine = [.. Enumerable.Range(0, Captions.Count).Where(i => i % Shard.Of == Shard.Index - 1)];
        using var log = Database.Open(Path.Combine(Folder, Shard.Of == 1 ? "results.sqlite" : $"results-{Shard.Index}-of-{Shard.Of}.sqlite"), Log);
        var done = 0;
        // Caption by caption: a table of what is there compares like with like at any moment.
        JobList.Run(mine.SelectMany(caption => Variants.Select(variant => (Caption: caption, Variant: variant.Name))), at => (jobs[at.Variant] with { Prompt = new([new PromptPart(Captions[at.Caption])]), Seed = Request.Seed + (ulong)at.Caption }, Path.Combine(Folder, FileOf(at.Variant, at.Caption))), workshop, Workers, (at, path, made) =>
        {
            done++;
            if (made is null && known.TryGetValue((at.Variant, at.Caption), out var entry) && entry.Judge == JudgeSha256) return;
            entry = new Entry(at.Variant, at.Caption, FileOf(at.Variant, at.Caption), made?.Last?.Similarity ?? known.GetValueOrDefault((at.Variant, at.Caption))?.Own ?? double.NaN, 0, 0, 0, 0, 0, 0, Math.Round(made?.Seconds ?? double.NaN, 2)).By(judge.Assess(Picture.Load(path), Captions[at.Caption]), JudgeSha256);
            log.Run("insert or replace into results values ($1, $2, $3)", entry.Variant, entry.Caption, PartJson.Write(entry));
            if (made is not null) onProgress?.Invoke(entry, done, mine.Length * Variants.Count);
        }, cancellation: cancellation);
    }

    /// <summary>All that is measured so far, by any shard.</summary>
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
        : variant.PlainBank ? PlainBank ?? throw new ArgumentException($"variant '{variant.Name}' begins from a bank of pictures fitted without perturbation, and none was given") : Request.Bank;

    private string FileOf(string variant, int caption) => Path.Combine("pictures", variant, string.Create(CultureInfo.InvariantCulture, $"{caption + 1:0000}-{FileNames.Slug(Captions[caption], most: 40)}.png"));
}
