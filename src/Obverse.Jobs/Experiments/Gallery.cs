using Obverse.Evaluation;
using System.Globalization;
using System.Text;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>The same names drawn with several recipes and judged: a contact sheet and a table. Pictures that are there already, made by the same run, are not made again.</summary>
public sealed record Gallery
{
    public required string Folder { get; init; }
    public required IReadOnlyList<string> Names { get; init; }
    public required IReadOnlyList<string> Recipes { get; init; }
    public Quality Quality { get; init; }
    public int Side { get; init; } = 128;
    public ulong Seed { get; init; }

    /// <summary>Which drawing model, by name; its hash is part of every run.</summary>
    public required string Model { get; init; }
    public string? ModelSha256 { get; init; }
    public string? WordsSha256 { get; init; }

    /// <summary>What the drawing model computes in, "fp32" or "bf16".</summary>
    public string? Precision { get; init; }

    /// <summary>The bank, for the recipes that begin from one.</summary>
    public string? Bank { get; init; }

    /// <summary>How many columns the sheet has at most.</summary>
    public int Columns { get; init; } = 12;

    /// <summary>So many names of ImageNet's, drawn without replacement; the same seed gives the same names.</summary>
    public static IReadOnlyList<string> RandomNames(int count, ulong seed)
    {
        using var random = Generator.For(seed, 50);
        string[] names = [.. ImageNet.Classes.Select(c => c.ClipName).Distinct()];
        using var order = random.Permutation(names.Length);
        return [.. order.ToArray<long>().Take(count).Select(i => names[i])];
    }

    /// <summary>Draws, judges, and writes sheet.png, table.md and table.csv into the folder.</summary>
    public IReadOnlyList<Entry> Make(ClipEncoder encoder, Judge judge, Action<Entry>? progress = null, CancellationToken cancel = default)
    {
        var entries = new List<Entry>();
        using var bank = Bank is null ? null : InrBank.Open(Bank, encoder.Device);
        var file = Bank is null ? null : InrBank.Describe(Bank);
        foreach (var recipe in Recipes)
        {
            var way = Obverse.Recipes.Named(recipe, Quality, Side, Side).On(bank?.Plan);
            if (way.Prior is not null && bank is null) throw new ArgumentException($"recipe '{recipe}' begins from a bank of pictures, and none was given");
            var folder = Path.Combine(Folder, "pictures", recipe);
            Directory.CreateDirectory(folder);
            foreach (var name in Names)
            {
                cancel.ThrowIfCancellationRequested();
                var run = new Run
                {
                    Recipe = way, Bank = way.Prior is null ? null : file, Prompt = new([new PromptPart(name)]), Model = Model, ModelSha256 = ModelSha256, WordsSha256 = WordsSha256, Precision = Precision, Width = Side, Height = Side, Seed = Seed,
                };
                var path = Path.Combine(folder, string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-')) + ".png");
                var (seconds, similarity) = (double.NaN, double.NaN);
                if (!DrawnPicture.IsMade(path, run)) (seconds, similarity) = DrawnPicture.Draw(run, encoder, path, bank, cancel);
                var picture = Picture.Load(path);
                entries.Add(new(recipe, name, path, judge.Look(picture, name), seconds, similarity));
                progress?.Invoke(entries[^1]);
            }
        }

        WriteSheet(entries);
        AtomicFile.Write(Path.Combine(Folder, "table.md"), stream => stream.Write(Encoding.UTF8.GetBytes(Table(entries))));
        AtomicFile.Write(Path.Combine(Folder, "table.csv"), stream => stream.Write(Encoding.UTF8.GetBytes(Csv(entries))));
        return entries;
    }

    /// <summary>A row a recipe: how often the judge puts the right name first or among five, coarse and sharp.</summary>
    public string Table(IReadOnlyList<Entry> entries)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Names.Count} names, {Side} px, quality {Quality.ToString().ToLowerInvariant()}, seed {Seed}, drawn by {Model}. Share of pictures whose right name the judge ranks first / in the top 5 of 1,000.\n\n");
        text.Append("| recipe | coarse first | coarse top 5 | coarse log-probability | sharp first | sharp top 5 | own similarity | seconds a picture (median) |\n|---|---|---|---|---|---|---|---|\n");
        foreach (var group in entries.GroupBy(e => e.Recipe))
        {
            Entry[] rows = [.. group];
            double[] seconds = [.. rows.Select(e => e.Seconds).Where(double.IsFinite).Order()], own = [.. rows.Select(e => e.Similarity).Where(double.IsFinite)];
            text.Append(CultureInfo.InvariantCulture, $"| {group.Key} | {rows.Average(e => e.Verdict.Coarse.Rank == 1 ? 1 : 0):P0} | {rows.Average(e => e.Verdict.Coarse.Rank <= 5 ? 1 : 0):P0} | {rows.Average(e => e.Verdict.Coarse.LogProbability):F2} ");
            text.Append(CultureInfo.InvariantCulture, $"| {rows.Average(e => e.Verdict.Sharp.Rank == 1 ? 1 : 0):P0} | {rows.Average(e => e.Verdict.Sharp.Rank <= 5 ? 1 : 0):P0} ");
            text.Append(CultureInfo.InvariantCulture, $"| {(own.Length == 0 ? "-" : own.Average().ToString("F3", CultureInfo.InvariantCulture))} | {(seconds.Length == 0 ? "-" : seconds[seconds.Length / 2].ToString("F1", CultureInfo.InvariantCulture))} |\n");
        }

        return text.ToString();
    }

    private static string Csv(IReadOnlyList<Entry> entries) => "recipe,name,coarse_rank,coarse_log_probability,sharp_rank,sharp_log_probability,seconds,similarity\n" + string.Concat(entries.Select(e =>
        string.Create(CultureInfo.InvariantCulture, $"{e.Recipe},{e.Name},{e.Verdict.Coarse.Rank},{e.Verdict.Coarse.LogProbability:F3},{e.Verdict.Sharp.Rank},{e.Verdict.Sharp.LogProbability:F3},{e.Seconds:F1},{e.Similarity:F4}\n")));

    private void WriteSheet(IReadOnlyList<Entry> entries)
    {
        var shown = Names.Take(Columns).ToHashSet();
        var cells = entries.Where(e => shown.Contains(e.Name)).Select(e => (Picture.Load(e.Path), $"{e.Name}: {e.Verdict.Coarse.Rank} (sharp {e.Verdict.Sharp.Rank})")).ToList();
        ContactSheet.Draw(cells, shown.Count, 128, "The judge's coarse rank of the right name among 1,000 (and its sharp one)", rowHeadings: Recipes).Save(Path.Combine(Folder, "sheet.png"));
    }

    /// <summary>One picture: which, where, what the judge says, and what it cost where it was made now.</summary>
    public sealed record Entry(string Recipe, string Name, string Path, Verdict Verdict, double Seconds, double Similarity);
}
