using System.Globalization;
using System.Text;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>The same names drawn with several recipes and judged: a contact sheet and a table. A picture already made by the same job is not drawn again.</summary>
public sealed record Gallery
{
    public required string Folder { get; init; }
    public required IReadOnlyList<string> Names { get; init; }
    public required IReadOnlyList<string> Recipes { get; init; }

    /// <summary>Shared by all jobs: model, quality, size, seed, bank.</summary>
    public required InversionRequest Request { get; init; }

    /// <summary>Models to draw with, each by itself; none: the request's.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>What is asked for each name, as <see cref="Wordings.Fill"/> writes it; the judge is asked for the bare name whatever the wording.</summary>
    public IReadOnlyList<string> Wordings { get; init; } = ["{}"];

    /// <summary>Above the contact sheet.</summary>
    public string Title { get; init; } = "Low-pass rank of the right name among 1,000 under the judge (and at full resolution)";

    /// <summary>The most columns of the contact sheet.</summary>
    public int Columns { get; init; } = 12;

    /// <summary>N of ImageNet's names, drawn without replacement; the same seed gives the same names.</summary>
    public static IReadOnlyList<string> RandomNames(int count, ulong seed)
    {
        using var random = Generator.For(seed, 50);
        string[] names = [.. ImageNet.Classes.Select(c => c.ClipName).Distinct()];
        using var order = random.Permutation(names.Length);
        return [.. order.ToArray<long>().Take(count).Select(i => names[i])];
    }

    /// <summary>Draws, judges, and writes sheet.png, table.md and table.csv into the folder.</summary>
    public IReadOnlyList<Entry> Make(Workshop workshop, Judge judge, Action<Entry>? onProgress = null, CancellationToken cancellation = default)
    {
        if (Recipes.GroupBy(Stem).FirstOrDefault(group => group.Count() > 1) is { } twice) throw new UsageException($"recipes {string.Join(" and ", twice)}: two of one name would be drawn into one folder");
        if (Names.GroupBy(name => FileNames.Slug(name)).FirstOrDefault(group => group.Count() > 1) is { } same) throw new UsageException($"{string.Join(" and ", same.Select(name => $"'{name}'"))}: would be one picture, {same.Key}.png");
        var entries = new List<Entry>();
        InversionJob Plan(string recipe, string? model) =>
            (Request with { Recipe = recipe, Models = model is null ? Request.Models : [model], Parts = Prompt.Parse(Names[0]) }).Check(workshop).Job(workshop);
        var planned = Recipes.SelectMany(recipe => Models.DefaultIfEmpty(null).Select(model => (Recipe: recipe, Model: model, Job: Plan(recipe, model)))).ToArray();
        var all = planned.SelectMany(one => Wordings.SelectMany(wording => Names.Select(name => (one.Recipe, one.Model, one.Job, Wording: wording, Name: name))));
        JobList.Run(all, item => (item.Job with { Prompt = Prompt.Parse(Evaluation.Wordings.Fill(item.Wording, item.Name)) }, PathOf(item.Recipe, item.Model, item.Wording, item.Name)), workshop, workers: 1, (item, path, done) =>
        {
            entries.Add(new(RowOf(item.Recipe, item.Model, item.Wording), item.Name, path, judge.Assess(Picture.Load(path), Prompt.Parse(item.Name).Wanted), done?.Seconds ?? double.NaN, done?.Last?.Similarity ?? double.NaN));
            onProgress?.Invoke(entries[^1]);
        }, cancellation: cancellation);
        WriteSheet(entries);
        AtomicFile.WriteText(Path.Combine(Folder, "table.md"), Table(entries, planned[0].Job));
        AtomicFile.WriteText(Path.Combine(Folder, "table.csv"), Csv(entries));
        return entries;
    }

    /// <summary>The table that <see cref="Make"/> wrote.</summary>
    public string Table() => File.ReadAllText(Path.Combine(Folder, "table.md"));

    private string PathOf(string recipe, string? model, string wording, string name)
    {
        string?[] folders = [Stem(recipe), model is null ? null : FileNames.Slug(model), wording == "{}" ? null : FileNames.Slug(Evaluation.Wordings.Fill(wording, "NAME"))];
        return Path.Combine([Folder, "pictures", .. folders.OfType<string>(), FileNames.Slug(name) + ".png"]);
    }

    // Its name; a file's without folder and ending.
    private static string Stem(string recipe) => Path.GetFileNameWithoutExtension(recipe);

    // What differs between rows.
    private string RowOf(string recipe, string? model, string wording) =>
        string.Join(", ", new[] { Recipes.Count > 1 || (Models.Count <= 1 && Wordings.Count == 1) ? Stem(recipe) : null, Models.Count > 1 ? model : null, Wordings.Count > 1 ? wording : null }.OfType<string>());

    // One row per recipe or wording: top-1 and top-5 accuracy under the judge.
    private string Table(IReadOnlyList<Entry> entries, InversionJob job)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Names.Count} {(Names.Count == 1 ? "name" : "names")}, {job.Width} px, quality {(Request.Quality ?? Quality.Normal).ToString().ToLowerInvariant()}, seed {job.Seed}, drawn by {(Models.Count > 1 ? string.Join(" and ", Models) : job.ModelNames)}. Top-1 and top-5 accuracy under the judge among 1,000 names, with Wilson's 95 % intervals.\n\n");
        var first = Recipes.Count > 1 || (Models.Count <= 1 && Wordings.Count == 1) ? "recipe" : Models.Count > 1 ? "model" : "wording";
        string[] columns = [first, "low-pass top-1", "low-pass top-5", "low-pass log-probability", "full-resolution top-1", "full-resolution top-5", "similarity under the drawing model", "seconds per picture (median)"];
        text.Append(ResultTable.Markdown(columns, entries.GroupBy(e => e.Row).Select(group =>
        {
            Entry[] rows = [.. group];
            double[] seconds = [.. rows.Select(e => e.Seconds).Where(double.IsFinite).Order()], own = [.. rows.Select(e => e.Similarity).Where(double.IsFinite)];
            string Top(Func<Judgement, Ranking> views, int top) => Proportion.Show(rows.Count(e => views(e.Judgement).Rank <= top), rows.Length);
            return (IEnumerable<string>)
            [
                group.Key, Top(j => j.LowPass, 1), Top(j => j.LowPass, 5), Number($"{rows.Average(e => e.Judgement.LowPass.LogProbability):F2}"), Top(j => j.FullResolution, 1), Top(j => j.FullResolution, 5),
                own.Length == 0 ? "-" : Number($"{own.Average():F3}"), seconds.Length == 0 ? "-" : Number($"{seconds[seconds.Length / 2]:F1}"),
            ];
        })));
        return text.ToString();
    }

    private static string Number(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Csv(IReadOnlyList<Entry> entries) => ResultTable.Csv("recipe,name,lowpass_rank,lowpass_log_probability,lowpass_cosine,full_rank,full_log_probability,full_cosine,seconds,similarity", entries.Select(e =>
    {
        var (low, full) = (e.Judgement.LowPass, e.Judgement.FullResolution);
        return (FormattableString)$"{e.Row},{e.Name},{low.Rank},{low.LogProbability:F3},{low.Cosine:F4},{full.Rank},{full.LogProbability:F3},{full.Cosine:F4},{e.Seconds:F1},{e.Similarity:F4}";
    }));

    private void WriteSheet(IReadOnlyList<Entry> entries)
    {
        var shown = Names.Take(Columns).ToHashSet();
        var cells = entries.Where(e => shown.Contains(e.Name)).Select(e => (Picture.Load(e.Path), $"{e.Name}: {e.Judgement.LowPass.Rank} (full {e.Judgement.FullResolution.Rank})")).ToList();
        ContactSheet.Save(ContactSheet.Draw(cells, shown.Count, 128, Title, rowHeadings: [.. entries.Select(e => e.Row).Distinct()]), Path.Combine(Folder, "sheet.png"));
    }

    /// <summary>One picture: recipe or wording, name, file, judgement, and seconds if it was drawn now.</summary>
    public sealed record Entry(string Row, string Name, string Path, Judgement Judgement, double Seconds, double Similarity);
}
