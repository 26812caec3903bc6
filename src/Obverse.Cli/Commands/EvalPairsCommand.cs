using System.CommandLine;
using Obverse.Evaluation;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse eval psnr`, `ssim`, `ms-ssim`, `edges`, `lpips`: distances of pictures in pairs.</summary>
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
            using var a = EvalOptions.Open(parsed.GetRequiredValue(first), captioned: false);
            using var b = EvalOptions.Open(parsed.GetRequiredValue(second), captioned: false);
            using var network = kind.Of is null ? Load(parsed, net, backbone, heads, threads) : null;
            var result = PairEvaluation.Measure(kind.TitleOf(network?.Network), kind.Of ?? PairKind.Lpips(network!), a, b, line => screen.Note($"left out: {line}"), (file, value) =>
            {
                if (parsed.GetValue(json)) screen.Json(new { Event = "pair", File = file, Value = value });
            }, screen.Stop);
            foreach (var warning in result.Warnings) screen.Note(warning);
            var measured = result.Figures[0];
            if (parsed.GetValue(json)) screen.Json(new { Event = "result", Metric = measured.Name, measured.Value, measured.Interval?.Low, measured.Interval?.High, result.Pictures, Unreadable = result.Unreadable.Count });
            else screen.Say($"{measured.Name}  {EvaluationTable.Shown(measured)}  N {result.Pictures:N0} pairs");
            return result.Unreadable.Count == 0 ? 0 : 1;
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
