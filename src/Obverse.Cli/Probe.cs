using System.Globalization;
using System.Text;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>What `obverse probe` does: every prompt drawn in every way, the sheet of them, and who is like whom.</summary>
internal sealed record Probe(Screen Screen, InvertSession Session, IReadOnlyList<Prompt> Prompts)
{
    private const int Nearest = 5, Cell = 160;

    // From one random start, so that "procrustes" differs from "plain" in the turn alone.
    private static readonly Prior turned = new(IsRetrieved: false);

    private IReadOnlyList<string> Ways => Session.Bank is null ? ["plain"] : ["plain", "procrustes", "whole"];

    public int Begin()
    {
        if (Session.Bank is null) Screen.Note("without --bank there is nothing to turn the prompts by: they are drawn as they are");
        return (Session with
        {
            Recipe = Recipes.FromNothing, Named = "probe-" + OutputPaths.Slug(Prompts[0].ToString()), Parts = new Prompt([.. Prompts.SelectMany(prompt => prompt.Parts)]),
            Adapt = recipe => Session.Bank is null ? recipe : recipe with { Prior = turned },
            Series = [.. Prompts.SelectMany((prompt, i) => Ways.Select(way => ($"-{i + 1}-{way}", (Func<Run, Run>)(run => In(run, way) with { Prompt = prompt }))))],
            Report = Report,
        }).Begin();
    }

    private Run In(Run run, string way) => way switch
    {
        "plain" => run with { Recipe = run.Recipe with { Prior = null }, Bank = null },
        "procrustes" => run,
        _ => run with { Recipe = Whole(run) },
    };

    private Recipe Whole(Run run)
    {
        var recipe = Recipes.Implicit(Session.Quality ?? Quality.Normal, run.Width, run.Height) with { Canvas = InrBank.PlanOf(Session.Bank!) };
        if (Session.Steps is { } steps) recipe = recipe.Steps(steps);
        return Session.Views is { } views ? recipe.Copies(views) : recipe;
    }

    private void Report(IReadOnlyList<Drawn> drawings, LoadedModel model)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var judge = Session.FindJudge();
        using var bank = Session.Bank is null ? null : InrBank.Open(Session.Bank, Session.Device);
        Drawn Of(int prompt, int way) => drawings[prompt * Ways.Count + way];
        Tensor[] raw = [.. Prompts.Select((_, i) => Target(Of(i, 0).Run, model, null))];
        Tensor[]? aligned = bank is null ? null : [.. Prompts.Select((_, i) => Target(Of(i, 1).Run, model, bank))];

        // What is told of each drawing to each prompt, and of each target to the others.
        var rows = new List<ProbeRow>();
        for (var i = 0; i < Prompts.Count; i++)
            for (var p = 0; p < Prompts.Count; p++) rows.Add(new("target", i, p, Cosine(raw[i], raw[p]), aligned is null ? double.NaN : Cosine(aligned[i], aligned[p]), double.NaN, double.NaN));
        for (var way = 0; way < Ways.Count; way++)
        {
            for (var i = 0; i < Prompts.Count; i++)
            {
                var (picture, seen) = (Of(i, way).Picture, model.Encoder.Embed(Of(i, way).Picture.ToTensor())[0]);
                for (var p = 0; p < Prompts.Count; p++)
                {
                    var verdict = judge?.Look(picture, Commands.JudgeCommand.Wanted(Prompts[p]));
                    rows.Add(new(Ways[way], i, p, Cosine(seen, raw[p]), aligned is null ? double.NaN : Cosine(seen, aligned[p]), verdict?.Coarse.Cosine ?? double.NaN, verdict?.Sharp.Cosine ?? double.NaN));
                }
            }
        }

        string[][]? before = bank is null ? null : [.. raw.Select(target => Captions(bank, target))], after = bank is null ? null : [.. aligned!.Select(target => Captions(bank, target))];
        foreach (var line in Lines(rows, before, after)) if (!Session.Json) Screen.Say(line);

        var sheet = drawings[0].File[..^$"-1-{Ways[0]}.png".Length] + ".png";
        string Under(int i, int way)
        {
            var own = rows.First(row => row.Way == Ways[way] && row.Of == i && row.Prompt == i);
            var text = Line($"cosine {(way == 0 ? own.Cosine : own.Aligned):0.00}") + (double.IsFinite(own.Judge) ? Line($", judge {own.Judge:0.00}") : "");
            return way > 1 || before is null ? text : $"{text}; nearest: {string.Join(", ", (way == 0 ? before : after!)[i])}";
        }

        ContactSheet.Draw([.. Prompts.SelectMany((_, i) => Ways.Select((_, way) => (Of(i, way).Picture, Under(i, way))))], Ways.Count, Cell, $"{model.Name}: {(bank is null ? "prompts as they are" : "without Procrustes and with it")}",
            columnHeadings: Ways, rowHeadings: [.. Prompts.Select(prompt => prompt.ToString())], captionLines: 9).Save(sheet);
        var table = OutputPaths.Beside(sheet, "", ".csv");
        AtomicFile.Write(table, stream => stream.Write(Encoding.UTF8.GetBytes(Csv(rows))));
        if (!Session.Json)
        {
            Screen.Say($"{sheet}  {table}");
            return;
        }

        foreach (var row in rows) Screen.Json(new { Event = "cosine", row.Way, Of = Prompts[row.Of].ToString(), Prompt = Prompts[row.Prompt].ToString(), row.Cosine, Aligned = Finite(row.Aligned), Judge = Finite(row.Judge), JudgeSharp = Finite(row.JudgeSharp) });
        for (var i = 0; i < Prompts.Count && before is not null; i++) Screen.Json(new { Event = "nearest", Prompt = Prompts[i].ToString(), Before = before[i], After = after![i] });
        Screen.Json(new { Event = "files", Files = (string[])[sheet, table, .. drawings.Select(drawn => drawn.File)] });
    }

    private IEnumerable<string> Lines(List<ProbeRow> rows, string[][]? before, string[][]? after)
    {
        for (var i = 0; i < Prompts.Count && before is not null; i++)
        {
            yield return $"\"{Prompts[i]}\", nearest pictures: {string.Join("; ", before[i])}";
            yield return $"  turned by Procrustes: {string.Join("; ", after![i])}";
        }

        yield return "cosines to the prompts " + string.Join(", ", Prompts.Select((prompt, p) => $"{p + 1} \"{prompt}\"")) + ": model" + (after is null ? "" : ", model to the turned one") + (rows.Any(row => double.IsFinite(row.Judge)) ? " | judge" : "");
        foreach (var drawn in rows.GroupBy(row => (row.Way, row.Of)))
        {
            string Show(ProbeRow row) => Line($"{row.Cosine,6:0.000}") + (double.IsFinite(row.Aligned) ? Line($" {row.Aligned,6:0.000}") : "") + (double.IsFinite(row.Judge) ? Line($" | {row.Judge,6:0.000}") : "");
            yield return $"  {drawn.Key.Way,-10} {drawn.Key.Of + 1}  {string.Join("   ", drawn.Select(Show))}";
        }
    }

    private string Csv(List<ProbeRow> rows) => "way,of,prompt,cosine,cosine_aligned,judge,judge_sharp\n" + string.Concat(rows.Select(row => $"{row.Way},{Quoted(Prompts[row.Of])},{Quoted(Prompts[row.Prompt])},{Number(row.Cosine)},{Number(row.Aligned)},{Number(row.Judge)},{Number(row.JudgeSharp)}\n"));

    /// <summary>Where a run draws to.</summary>
    private static Tensor Target(Run run, LoadedModel model, InrBank? bank)
    {
        using var inversion = run.Begin(model.Encoder, bank);
        return inversion.Targets[0].Direction.Clone();
    }

    private static string[] Captions(InrBank bank, Tensor target) => [.. bank.Index.NearestImages(target, (int)Math.Min(Nearest, bank.Count)).Rows.ToArray<long>().Select(row => bank.Index.Captions.Count > 0 ? bank.Index.Captions[(int)row] : $"picture {row}")];

    private static double Cosine(Tensor a, Tensor b) => (a * b).Sum().Item();

    private static string Quoted(Prompt prompt) => $"\"{prompt.ToString().Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string Number(double value) => double.IsFinite(value) ? Line($"{value:F4}") : "";

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    private static string Line(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What a drawing (or a target, where the way is "target") has to do with a prompt: cosine of the model, to the prompt turned by Procrustes, and the judge's.</summary>
internal sealed record ProbeRow(string Way, int Of, int Prompt, double Cosine, double Aligned, double Judge, double JudgeSharp);
