using System.CommandLine;
using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse eval psnr`, `ssim`, `ms-ssim`, `lpips`: distances of pictures in pairs.</summary>
internal static class EvalPairsCommand
{
    public static Command Create(Screen screen, PairKind kind)
    {
        var first = new Argument<string>("A") { Description = "A folder, a zip or captions.jsonl." };
        var second = new Argument<string>("B") { Description = "The same, with pictures of the same names and sizes." };
        var net = Flags.Parsed<LpipsNetwork?>("--net", "alex|vgg|squeeze", "The backbone. [default: alex]", text => Enum.TryParse<LpipsNetwork>(text, ignoreCase: true, out var network) ? network : throw new FormatException("alex, vgg or squeeze was wanted"));
        var backbone = Flags.Text("--backbone", "FILE", "Weights of AlexNet, VGG-16 or SqueezeNet 1.1, by torchvision's names.");
        var heads = Flags.Text("--heads", "FILE", "LPIPS's own weights: lin0.model.1.weight and so on.");
        var threads = Flags.Threads();
        var json = Flags.Json("Print a JSON line a pair, then the mean.");
        var command = new Command(kind.Name, kind.About) { first, second };
        foreach (var option in kind.Of is null ? (Option[])[net, backbone, heads, threads, json] : [json]) command.Add(option);
        command.SetAction(parsed =>
        {
            using var a = PictureSource.Open(parsed.GetRequiredValue(first));
            using var b = PictureSource.Open(parsed.GetRequiredValue(second));
            var (pairs, alone) = PairKind.Match(a, b);
            if (pairs.Count == 0) throw new UsageException($"{a.Path} and {b.Path}: no picture of one has a name of the other");
            if (alone > 0) screen.Note($"{alone:N0} pictures have no partner of their name and are left out");
            using var network = kind.Of is null ? Load(parsed, net, backbone, heads, threads) : null;
            var distance = kind.Of ?? PairKind.Lpips(network!);
            List<double> values = [];
            var bad = 0;
            foreach (var (i, j) in pairs)
            {
                screen.Stop.ThrowIfCancellationRequested();
                try
                {
                    Picture Of(PictureSource source, int index) => Picture.Decode(source.Read(index), source.Pictures[index].Name).OnWhite();
                    var value = distance(Of(a, i), Of(b, j));
                    values.Add(value);
                    if (parsed.GetValue(json)) screen.Json(new { Event = "pair", File = a.Pictures[i].Name, Value = value });
                }
                catch (Exception wrong) when (wrong is PictureException or ArgumentException)
                {
                    bad++;
                    screen.Note($"left out: {(wrong is PictureException ? "" : a.Pictures[i].Name + ": ")}{wrong.Message}");
                }
            }

            if (values.Count == 0) return screen.Fail($"none of the {pairs.Count:N0} pairs could be measured", 1);
            var measured = new Measured(network is null ? kind.Title : $"{kind.Title} ({network.Network.ToString().ToLowerInvariant()})", values.Average(), values.Count > 1 && values.All(double.IsFinite) ? ConfidenceInterval.Of(Resampling.Means(values, Resampling.Draws(values.Count))) : null, values.Count);
            if (parsed.GetValue(json)) screen.Json(new { Event = "result", Metric = measured.Name, measured.Value, measured.Interval?.Low, measured.Interval?.High, Pictures = values.Count, Unreadable = bad });
            else screen.Say($"{measured.Name}  {EvaluationTable.Shown(measured)}  N {values.Count:N0} pairs");
            return bad == 0 ? 0 : 1;
        });
        return command;
    }

    private static Lpips Load(ParseResult parsed, Option<LpipsNetwork?> net, Option<string?> backbone, Option<string?> heads, Option<int?> threads)
    {
        if (parsed.GetValue(backbone) is not { } weights || parsed.GetValue(heads) is not { } own) throw new UsageException("LPIPS wants its weights: give --backbone FILE and --heads FILE");
        Runtime.Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount;
        return Lpips.Load(parsed.GetValue(net) ?? LpipsNetwork.Alex, weights, own);
    }
}
