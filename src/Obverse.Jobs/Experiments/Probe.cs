using System.Globalization;
using System.Text;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>Several prompts, each drawn plainly and, with a bank, aligned (Procrustes) and with full CLIP^-1; and the cosines of every drawing to every prompt.</summary>
public sealed record Probe(IReadOnlyList<Prompt> Prompts, InversionRequest Request)
{
    private const int Nearest = 5, Cell = 160;

    // From one random start, so that "procrustes" differs from "plain" in the alignment alone.
    private static readonly BankPlan alignedOnly = new() { IsRetrieved = false };

    public IReadOnlyList<string> Ways => Request.Bank is null ? ["plain"] : ["plain", "procrustes", "whole"];

    /// <summary>The request whose job the others differ from.</summary>
    public InversionRequest First => Request with { Recipe = Recipes.FromNothing, Parts = new Prompt([.. Prompts.SelectMany(prompt => prompt.Parts)]), Adapt = recipe => Request.Bank is null ? recipe : recipe with { Bank = alignedOnly } };

    /// <summary>The suffix of each drawing's name and the change to its job: prompt by prompt, way by way.</summary>
    public IReadOnlyList<(string Suffix, Func<InversionJob, InversionJob> Change)> Series =>
        [.. Prompts.SelectMany((prompt, i) => Ways.Select(way => ($"-{i + 1}-{way}", (Func<InversionJob, InversionJob>)(job => In(job, way) with { Prompt = prompt }))))];

    /// <summary>Cosines of each target to the others (way "target"), and of each drawing to each prompt; with a bank, the captions nearest to each target before and after alignment.</summary>
    public (IReadOnlyList<ProbeRow> Rows, string[][]? Before, string[][]? After) Measure(IReadOnlyList<JobFinished> drawings, Judge? judge, Workshop workshop)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        JobFinished Of(int prompt, int way) => drawings[prompt * Ways.Count + way];
        var bank = Of(0, 0).Job is var plain && Ways.Count > 1 ? workshop.Bank(Of(0, 1).Job.Bank!) : null;
        Tensor[] raw = [.. Prompts.Select((_, i) => Target(Of(i, 0).Job, workshop))];
        Tensor[]? aligned = bank is null ? null : [.. Prompts.Select((_, i) => Target(Of(i, 1).Job, workshop))];
        var rows = new List<ProbeRow>();
        for (var i = 0; i < Prompts.Count; i++)
            for (var p = 0; p < Prompts.Count; p++) rows.Add(new("target", i, p, Cosine(raw[i], raw[p]), aligned is null ? double.NaN : Cosine(aligned[i], aligned[p]), double.NaN, double.NaN));
        for (var way = 0; way < Ways.Count; way++)
        {
            for (var i = 0; i < Prompts.Count; i++)
            {
                var (picture, seen) = (Of(i, way).Picture, workshop.Model(plain.Models[0].Name).Encoder.Embed(Of(i, way).Picture.ToTensor())[0]);
                for (var p = 0; p < Prompts.Count; p++)
                {
                    var judgement = judge?.Assess(picture, Prompts[p].Wanted);
                    rows.Add(new(Ways[way], i, p, Cosine(seen, raw[p]), aligned is null ? double.NaN : Cosine(seen, aligned[p]), judgement?.LowPass.Cosine ?? double.NaN, judgement?.FullResolution.Cosine ?? double.NaN));
                }
            }
        }

        return (rows, bank is null ? null : [.. raw.Select(target => Captions(bank, target))], bank is null ? null : [.. aligned!.Select(target => Captions(bank, target))]);
    }

    /// <summary>Writes the contact sheet and a CSV next to it.</summary>
    public void Write(string sheet, IReadOnlyList<JobFinished> drawings, IReadOnlyList<ProbeRow> rows, string[][]? before, string[][]? after)
    {
        string Under(int i, int way)
        {
            var own = rows.First(row => row.Way == Ways[way] && row.Of == i && row.Prompt == i);
            var text = Line($"cosine {(way == 0 ? own.Cosine : own.Aligned):0.00}") + (double.IsFinite(own.Judge) ? Line($", judge {own.Judge:0.00}") : "");
            return way > 1 || before is null ? text : $"{text}; nearest: {string.Join(", ", (way == 0 ? before : after!)[i])}";
        }

        ContactSheet.Draw([.. Prompts.SelectMany((_, i) => Ways.Select((_, way) => (drawings[i * Ways.Count + way].Picture, Under(i, way))))], Ways.Count, Cell, $"{drawings[0].Job.ModelNames}: {(before is null ? "without Procrustes alignment" : "without Procrustes alignment and with it")}",
            columnHeadings: Ways, rowHeadings: [.. Prompts.Select(prompt => prompt.ToString())], captionLines: 9).Save(sheet);
        AtomicFile.Write(FileNames.Beside(sheet, "", ".csv"), stream => stream.Write(Encoding.UTF8.GetBytes(Csv(rows))));
    }

    private InversionJob In(InversionJob job, string way) => way switch
    {
        "plain" => job with { Recipe = job.Recipe with { Bank = null }, Bank = null },
        "procrustes" => job,
        _ => job with { Recipe = Whole(job) },
    };

    private Recipe Whole(InversionJob job)
    {
        var recipe = Recipes.Implicit(Request.Quality ?? Quality.Normal, job.Width, job.Height) with { Canvas = InrBank.PlanOf(Request.Bank!) };
        if (Request.Steps is { } steps) recipe = recipe.Steps(steps);
        return Request.Views is { } views ? recipe.ViewCount(views) : recipe;
    }

    // The target of a job.
    private static Tensor Target(InversionJob job, Workshop workshop)
    {
        using var inversion = new InversionBuilder(job, workshop).Build();
        return inversion.Targets[Targets.Prompt][0].Direction.Clone();
    }

    private static string[] Captions(InrBank bank, Tensor target) => [.. bank.Index.NearestImages(target, (int)Math.Min(Nearest, bank.Count)).Rows.ToArray<long>().Select(row => bank.Index.Captions.Count > 0 ? bank.Index.Captions[(int)row] : $"picture {row}")];

    private static double Cosine(Tensor a, Tensor b) => (a * b).Sum().Item();

    private string Csv(IReadOnlyList<ProbeRow> rows) => ResultTable.Csv("method,drawing_of,prompt,cosine,cosine_aligned,judge,judge_full", rows.Select(row => (FormattableString)$"{row.Way},{Prompts[row.Of].ToString()},{Prompts[row.Prompt].ToString()},{Number(row.Cosine)},{Number(row.Aligned)},{Number(row.Judge)},{Number(row.JudgeFull)}"));

    private static string Number(double value) => double.IsFinite(value) ? Line($"{value:F4}") : "";

    private static string Line(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Cosines of a drawing (or a target, if the way is "target") to a prompt: under the model, to the aligned prompt, and under the judge in low-pass views and at full resolution.</summary>
public sealed record ProbeRow(string Way, int Of, int Prompt, double Cosine, double Aligned, double Judge, double JudgeFull);
