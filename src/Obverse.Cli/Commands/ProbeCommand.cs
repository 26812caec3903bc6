using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Retrieval;

namespace Obverse.Cli.Commands;

/// <summary>`obverse probe`: how a model represents texts.</summary>
internal static class ProbeCommand
{
    public static Command Create(Screen screen)
    {
        var prompts = new Argument<string[]>("PROMPT") { Description = "Prompts to compare, such as one and its negation.", Arity = ArgumentArity.OneOrMore };
        var options = new DrawingOptions("Where to write the contact sheet; pictures and a CSV go next to it. [default: a name made of the first prompt, in this folder]");
        var command = new Command("probe",
            """
            Draw several prompts and measure the cosine of every picture to every prompt, under the model and the judge.
            With a bank (pocket-clipag has one), each prompt is also drawn aligned (Procrustes) and with full CLIP^-1; the
            captions of the pictures nearest to each target are printed before and after alignment.

              obverse probe "a dog" "not a dog"
              obverse probe "a dog" "not a dog" "no dogs at all" --bank bank.safetensors -o negation.png
            """)
        {
            prompts,
        };
        foreach (var option in options.OfPictures) command.Add(option);
        command.SetAction(parsed =>
        {
            var session = options.Session(parsed, screen);
            var model = session.Request.Models.FirstOrDefault();
            var probe = new Probe([.. parsed.GetRequiredValue(prompts).Select(text => Prompt.Parse(text))], session.Request with { Bank = session.Request.Bank ?? ZooBank.Of(model) });
            if (probe.Request.Bank is null) screen.Note("without --bank there is no alignment; prompts are drawn with their own embeddings");
            return (session with
            {
                Request = probe.First, Written = probe.Prompts, Named = "probe-" + FileNames.Slug(probe.Prompts[0].ToString()), Series = probe.Series,
                Report = (drawings, workshop) => Report(screen, session, probe, drawings, workshop),
            }).Run();
        });
        return command;
    }

    private static void Report(Screen screen, DrawingSession session, Probe probe, IReadOnlyList<JobFinished> drawings, Workshop workshop)
    {
        using var judge = session.OpenJudge(workshop);
        var (rows, before, after) = probe.Measure(drawings, judge, workshop);
        foreach (var line in session.Json ? [] : Lines(probe, rows, before, after)) screen.Say(line);
        var sheet = drawings[0].File![..^(probe.Series[0].Suffix + ".png").Length] + ".png";
        probe.Write(sheet, drawings, rows, before, after);
        var table = FileNames.Beside(sheet, "", ".csv");
        if (!session.Json)
        {
            screen.Say($"{sheet}  {table}");
            return;
        }

        foreach (var row in rows) screen.Json(new { Event = "cosine", row.Way, Of = probe.Prompts[row.Of].ToString(), Prompt = probe.Prompts[row.Prompt].ToString(), row.Cosine, Aligned = Finite(row.Aligned), Judge = Finite(row.Judge), JudgeFull = Finite(row.JudgeFull) });
        for (var i = 0; i < probe.Prompts.Count && before is not null; i++) screen.Json(new { Event = "nearest", Prompt = probe.Prompts[i].ToString(), Before = before[i], After = after![i] });
        screen.Json(new { Event = "files", Files = (string[])[sheet, table, .. drawings.Select(drawn => drawn.File!)] });
    }

    private static IEnumerable<string> Lines(Probe probe, IReadOnlyList<ProbeRow> rows, string[][]? before, string[][]? after)
    {
        for (var i = 0; i < probe.Prompts.Count && before is not null; i++)
        {
            yield return $"\"{probe.Prompts[i]}\", nearest pictures: {string.Join("; ", before[i])}";
            yield return $"  aligned (Procrustes): {string.Join("; ", after![i])}";
        }

        yield return "cosines to the prompts " + string.Join(", ", probe.Prompts.Select((prompt, p) => $"{p + 1} \"{prompt}\"")) + ": model" + (after is null ? "" : ", model to the aligned prompt") + (rows.Any(row => double.IsFinite(row.Judge)) ? " | judge, low-pass" : "");
        foreach (var drawn in rows.GroupBy(row => (row.Way, row.Of)))
        {
            string Show(ProbeRow row) => Line($"{row.Cosine,6:0.000}") + (double.IsFinite(row.Aligned) ? Line($" {row.Aligned,6:0.000}") : "") + (double.IsFinite(row.Judge) ? Line($" | {row.Judge,6:0.000}") : "");
            yield return $"  {drawn.Key.Way,-10} {drawn.Key.Of + 1}  {string.Join("   ", drawn.Select(Show))}";
        }
    }

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    private static string Line(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);
}
