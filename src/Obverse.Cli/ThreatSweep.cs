using System.Globalization;
using System.Text;
using System.Text.Json;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Obverse.Training;

namespace Obverse.Cli;

/// <summary>Robust models over a grid of bounds and losses, each measured the same way (the open question of CLIPAG, Ganz and Elad 2023: how large an eps).</summary>
internal sealed record ThreatSweep
{
    public required string Folder { get; init; }
    public required string Model { get; init; }
    public required string Pictures { get; init; }
    public required string Exam { get; init; }
    public required string Judge { get; init; }
    public required AdversarialOptions Options { get; init; }
    public int Names { get; init; } = 50;
    public int Drawings { get; init; } = 24;
    public double ExamEps { get; init; } = 0.7;
    public int ExamEvery { get; init; } = 4;

    /// <summary>A cell of the table. Accuracies are shares of <paramref name="ExamPictures"/>, gains the judge's, one for each name; drawn is the judge's low-pass rank of each drawing.</summary>
    internal sealed record Cell(string Objective, double Eps, double Clean, double Attacked, int ExamPictures, double[] Gains, double[] LowFrequencies, int[] Ranks);

    /// <summary>Trains and measures what is not there yet; table and plots are written after each cell.</summary>
    /// <returns>False where <paramref name="cancel"/> stopped it.</returns>
    public bool Run(Workshop workshop, IReadOnlyList<RobustObjective> objectives, IReadOnlyList<double> bounds, Action<string> say, CancellationToken cancel)
    {
        using var judge = Evaluation.Judge.Load(Judge);
        List<Cell> cells = [];
        foreach (var objective in objectives)
            foreach (var eps in bounds)
            {
                var name = $"{objective.ToString().ToLowerInvariant()}-{eps.ToString(CultureInfo.InvariantCulture)}";
                var (folder, row) = (Path.Combine(Folder, name), Path.Combine(Folder, name + ".json"));
                if (!File.Exists(row))
                {
                    if (RobustClip.Train(Model, Pictures, Options with { Objective = objective, Eps = eps }, folder, folder + ".work", progress: text => say($"{name}: {text}"), cancel: cancel) is null) return false;
                    var cell = Measure(workshop, judge, folder, objective, eps, text => say($"{name}: {text}"), cancel);
                    AtomicFile.Write(row, stream => JsonSerializer.Serialize(stream, cell));
                }

                cells.Add(JsonSerializer.Deserialize<Cell>(File.ReadAllText(row)) ?? throw new InvalidDataException($"{row}: null"));
                AtomicFile.WriteText(Path.Combine(Folder, "table.md"), Table(cells));
                Plot(cells).Save(Path.Combine(Folder, "sweep.png"));
            }

        return true;
    }

    private Cell Measure(Workshop workshop, Judge judge, string folder, RobustObjective objective, double eps, Action<string> say, CancellationToken cancel)
    {
        RobustAccuracy accuracy;
        AscentGain[] gains;
        using (var model = ClipModel.Load(folder))
        {
            using var scope = new TensorScope();
            var names = ZeroShot.Classifier(model.EncodeText, [.. ImageNet.Classes.Select(c => c.ClipName)], Evaluation.Judge.Templates);
            accuracy = RobustClip.Examine(RobustTower.Of(model, names), Exam, Options with { Eps = ExamEps }, ExamEvery);
            say(accuracy.ToString());
            gains = [.. AlignedGradients.Of(model, judge, Gallery.RandomNames(Names, 0), AlignedGradients.Grey(model.ImageSize)).TakeWhile(_ => !cancel.IsCancellationRequested)];
            cancel.ThrowIfCancellationRequested();
        }

        var drawn = new Gallery
        {
            Folder = Path.Combine(folder + ".work", "drawn"), Names = Gallery.RandomNames(Drawings, 3), Recipes = ["implicit-plain"], Models = [folder], Request = new() { Quality = Quality.Draft, Size = new(Options.Side, Options.Side) },
        }.Make(workshop, judge, entry => say($"drawn: {entry.Name}, rank {entry.Judgement.LowPass.Rank}"), cancel);
        return new(objective.ToString().ToLowerInvariant(), eps, accuracy.Clean.Top1, accuracy.Attacked.Top1, accuracy.Clean.Count, [.. gains.Select(gain => gain.Judged)], [.. gains.Select(gain => gain.LowFrequencies)], [.. drawn.Select(entry => entry.Judgement.LowPass.Rank)]);
    }

    internal string Table(IReadOnlyList<Cell> cells)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{(Options.Steps is { } steps ? $"{steps} updates" : $"{Options.Minutes} minutes")} each from {Path.GetFileName(Model.TrimEnd('/'))}, {Options.Side} px, {Options.AttackSteps}-step attacks in training. Zero-shot top-1 among ImageNet's names on {cells[0].ExamPictures} held-out photographs, clean and under PGD-20 within eps {ExamEps} (at 224 px); ");
        text.Append(CultureInfo.InvariantCulture, $"gain of the judge's cosine by 20 ascent steps from grey over {Names} names, and the energy of the gradients in low frequencies; low-pass top-1 and top-5 of {Drawings} names drawn by implicit-plain at draft. 95 % intervals (Wilson; bootstrap).\n\n");
        string[] columns = ["loss", "eps at 224 px", "clean", "under PGD-20", "judge's gain", "low frequencies", "drawn, top-1", "drawn, top-5"];
        return text + ResultTable.Markdown(columns, cells.Select(cell =>
        {
            string Share(double share) => Proportion.Show((int)Math.Round(share * cell.ExamPictures), cell.ExamPictures);
            string Drawn(int top) => Proportion.Show(cell.Ranks.Count(rank => rank <= top), cell.Ranks.Length);
            return (IEnumerable<string>)
            [
                cell.Objective, Number($"{cell.Eps}"), Share(cell.Clean), Share(cell.Attacked), Gain(cell).Show("F4"), Number($"{cell.LowFrequencies.Average():P0}"), Drawn(1), Drawn(5),
            ];
        }));
    }

    private static PairedBootstrap Gain(Cell cell) => PairedBootstrap.Of(cell.Gains, new double[cell.Gains.Length]);

    private static Picture Plot(IReadOnlyList<Cell> cells)
    {
        const int Side = 560;
        Picture Of(string title, Func<Cell, double> y, Func<Cell, (double Low, double High)> interval) => new LinePlot
        {
            Title = title, XLabel = "eps at 224 px", Width = Side, Height = Side,
            Series = [.. cells.GroupBy(cell => cell.Objective).Select(group => new Series(group.Key, [.. group.Select(y)], [.. group.Select(cell => cell.Eps)]) { Intervals = [.. group.Select(interval)] })],
        }.Draw();
        Picture Shares(string title, Func<Cell, double> share, Func<Cell, int> count) => Of(title, share, cell =>
        {
            var (low, high) = Proportion.Interval(share(cell), count(cell));
            return (low, high);
        });
        Picture Gains(string title) => Of(title, cell => cell.Gains.Average(), cell =>
        {
            var (_, low, high) = Gain(cell);
            return (low, high);
        });
        return ContactSheet.Draw(
        [
            (Shares("zero-shot top-1, clean", cell => cell.Clean, cell => cell.ExamPictures), ""), (Shares("zero-shot top-1 under PGD-20", cell => cell.Attacked, cell => cell.ExamPictures), ""),
            (Gains("judge's gain of 20 ascent steps"), ""), (Shares("low-pass top-1 of drawings", cell => cell.Ranks.Count(rank => rank == 1) / (double)cell.Ranks.Length, cell => cell.Ranks.Length), ""),
        ], 2, Side);
    }

    private static string Number(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
