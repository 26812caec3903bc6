using System.CommandLine;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse eval fid`, `kid`, `clipsim` …: a metric over a set, or two.</summary>
internal static class EvalMetricCommand
{
    public static Command Create(Screen screen, MetricKind kind)
    {
        var metric = kind.Create(new());
        var compares = metric.Inputs.HasFlag(MetricInputs.Reference);
        var captioned = (metric.Inputs & (MetricInputs.Captions | MetricInputs.References)) != 0;
        var set = new Argument<string>("PICTURES") { Description = captioned ? "captions.jsonl ({\"file\": …, \"captions\": […]} a line), the same as .parquet, or a folder of pictures that store their prompt." : "A folder, a zip or captions.jsonl." };
        var real = new Argument<string>("REAL") { Description = kind.Name == "fid" ? "The real pictures, or statistics of them as pytorch-fid saves them (.npz)." : "The real pictures." };
        var library = Flags.Text("--as", string.Join("|", kind.Libraries.Select(MetricKind.NameOf)), $"Whose numbers, where libraries disagree. [default: {(kind.Libraries.Count > 0 ? MetricKind.NameOf(kind.Libraries[0]) : "")}]");
        var neighbours = Flags.Whole("--neighbours", "k of the nearest neighbours.", 1, 1000);
        var subsets = Flags.Whole("--subsets", "Random subsets. [default: 100]", 1, 100_000);
        var subsetSize = Flags.Whole("--subset-size", "Pictures a subset. [default: 1000, or as many as there are]", 2, 1_000_000);
        var splits = Flags.Whole("--splits", "Splits of the set. [default: 10]", 1, 10_000);
        var folds = Flags.Whole("--folds", "Parts of the set whose recalls are averaged: 5 for COCO's 1k test. [default: 1]", 1, 1000);
        var pairs = Flags.Switch("--pairs", "Compare pictures of one name, as of reconstructions, and not all of one subject.");
        var save = Flags.Text("--save-stats", "FILE.npz", "Also write mean and covariance of PICTURES, as pytorch-fid does.");
        var options = new EvalOptions();
        var command = new Command(kind.Name, kind.About) { set };
        if (compares) command.Add(real);
        if (kind.Libraries.Count > 0) command.Add(library);
        foreach (var option in kind.Name switch { "fid" => (Option[])[save], "kid" => [subsets, subsetSize], "is" => [splits], "precision" or "density" => [neighbours], "retrieval" => [folds], "clip-i" or "dino" => [pairs], _ => [] }) command.Add(option);
        options.AddTo(command);
        T Given<T>(ParseResult parsed, Option<T> option) => command.Options.Contains(option) ? parsed.GetValue(option)! : default!;
        command.SetAction(parsed =>
        {
            var convention = kind.Library(Given(parsed, library));
            var measured = kind.Create(new() { As = convention, Neighbours = Given(parsed, neighbours), Subsets = Given(parsed, subsets), SubsetSize = Given(parsed, subsetSize), Splits = Given(parsed, splits), Folds = Given(parsed, folds), Pairs = Given(parsed, pairs) });
            var pictures = EvalOptions.Open(parsed.GetRequiredValue(set), captioned);
            var second = compares ? parsed.GetRequiredValue(real) : null;
            var statistics = second is not null && measured is Fid && Path.GetExtension(second).Equals(".npz", StringComparison.OrdinalIgnoreCase);
            var reference = second is null || statistics ? null : EvalOptions.Open(second, captioned: false);
            if (Given(parsed, pairs)) (pictures, reference) = Paired(pictures, reference!, screen);
            using var first = pictures;
            using var other = reference;
            var output = Given(parsed, save);
            if (output is not null) FileNames.MustBeWritable(OutputPaths.Wanting("--save-stats", output, ".npz"));
            using var network = options.Load(parsed, screen, pooled: !kind.Embeds, kind.Input(convention));
            using var extraction = options.Extraction(parsed, network);
            using var status = new StatusLine(screen, parsed.GetValue(options.Json));
            var evaluation = options.Evaluation(parsed, screen, extraction, status);
            var named = kind.Libraries.Count == 0 || (convention is null && network is not InceptionFeatures && kind.Name != "clipscore") ? null : MetricKind.NameOf(convention ?? kind.Libraries[0]);
            if (output is not null)
            {
                var (made, _) = evaluation.Statistics((Fid)measured, pictures, screen.Stop);
                made.Save(output);
                made.Mean.Dispose();
                made.Covariance.Dispose();
            }

            var result = statistics ? ToStatistics(evaluation, (Fid)measured, pictures, second!, network, screen.Stop) : evaluation.Measure(measured, pictures, reference, screen.Stop);
            status.Dispose();
            return EvalOptions.Say(screen, result, named, parsed.GetValue(options.Json));
        });
        return command;
    }

    private static (PictureSource, PictureSource) Paired(PictureSource a, PictureSource b, Screen screen)
    {
        var (some, others, alone) = PairKind.Paired(a, b);
        if (alone > 0) screen.Note($"{alone:N0} pictures have no partner of their name and are left out");
        return (some, others);
    }

    private static SetResult ToStatistics(SetEvaluation evaluation, Fid metric, PictureSource pictures, string file, FeatureNetwork network, CancellationToken stop)
    {
        var real = FeatureStatistics.Load(file);
        if (real.Width != network.Width) throw new UsageException($"{file}: statistics of {real.Width:N0} features; {network.Name} has {network.Width:N0}");
        var (mine, seen) = evaluation.Statistics(metric, pictures, stop);
        var value = Fid.Between(mine, real, metric.Root);
        string[] warnings = seen.Rows.Count < network.Width ? [$"{seen.Rows.Count:N0} pictures for {network.Width:N0} features: the distance is biased upward, strongly; compare it at equal N only"] : [];
        return new(network.Name, [new(SetEvaluation.Title(metric.Name, network), value, null, seen.Rows.Count)], seen.Rows.Count, 0, seen.Unreadable, null, warnings);
    }
}
