using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse bank build`: from an index of pictures to a bank.</summary>
internal static class BankBuildCommand
{
    private static readonly InrBankSettings usual = InrBankSettings.Default;

    public static Command Create(Screen screen)
    {
        var index = new Option<string>("--index") { HelpName = "INDEX", Description = "Pictures with their captions and embeddings, from `obverse index build`.", Required = true };
        var output = new Option<string>("--out", "-o") { HelpName = "BANK.safetensors", Description = "The bank. One that is there, of the same settings, gives its representations, whatever model it was for.", Required = true };
        var count = Flags.Whole("--count", "The first N of the index. [default: all]", 1, 100_000_000);
        var width = Flags.Whole("--width", $"Of the hidden layers. [default: {usual.Plan.Size}]", 4, 4096);
        var hidden = Flags.Whole("--hidden", $"Hidden layers after the first. [default: {usual.Plan.Hidden}]", 0, 16);
        var omega = BankCommand.Real("--omega", "W", $"Of every sine layer. [default: {usual.Plan.Omega}]", 0.01, 1000);
        var bias = BankCommand.Real("--first-bias", "K", "First-layer biases are drawn from U(±K). [default: 1]", 0, 1000);
        var side = Flags.Whole("--side", $"Pixels of the square that is fitted. [default: {usual.Side}]", 4, 4096);
        var steps = Flags.Whole("--steps", $"Steps of a fit. [default: {usual.Fit.Steps}]", 1, 10_000_000);
        var rate = BankCommand.Real("--rate", "R", $"Adam's, falling to a tenth. [default: {usual.Fit.Rate.ToString(CultureInfo.InvariantCulture)}]", 1e-9, 1);
        var gamma = BankCommand.Real("--gamma", "G", "Length of the weight perturbation as a part of a matrix's own length. [default: 0.01]", 0, 1);
        var blur = BankCommand.Real("--blur", "S", "Sigma of the pictures' blur in pixels; 0: none. [default: 6 at a side of 224, and in proportion]", 0, 1000);
        var plain = Flags.Switch("--no-awp", "Fit without weight perturbation, as --gamma 0.");
        var atOnce = Flags.Whole("--at-once", $"Pictures fitted together. [default: {InrBankBuild.DefaultBatchSize}]", 1, 4096);
        var shard = Flags.Parsed<(int, int)?>("--shard", "I/N", "Only part I of N, for `obverse bank merge`.", text =>
            text.Split('/') is [var i, var n] && int.TryParse(i, NumberStyles.None, CultureInfo.InvariantCulture, out var part) && int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out var of) && part >= 1 && part <= of ? (part, of) : throw new FormatException("a part and how many there are was wanted, such as 1/4"));
        var pairs = Flags.Text("--pairs", "INDEX", "Another, larger index of the same model, whose embeddings serve alignment and blending. [default: the entries themselves]");
        var seed = Flags.Whole("--seed", "Of the weights that every fit starts from. [default: 0]", 0, int.MaxValue);
        var threads = Flags.Whole("--threads", "Processor cores to use. [default: all]", 1, 1024);
        var json = Flags.Switch("--json", "Print progress and result as JSON lines.");
        var command = new Command("build",
            """
            Fit a small implicit representation to each blurred picture of an index, robustly (the weights are perturbed
            before every step), and put them into a bank with their captions and embeddings. What is finished is saved
            after every batch: the same command goes on where it was stopped or killed.

              obverse bank build --index photos.index.safetensors -o bank.safetensors
              obverse bank build --index photos.index.safetensors --pairs all.index.safetensors --shard 1/2 -o a.safetensors
            """)
        {
            index, output, count, width, hidden, omega, bias, side, steps, rate, gamma, blur, plain, atOnce, shard, pairs, seed, threads, json,
        };
        command.SetAction(parsed =>
        {
            var path = OutputPaths.Wanting("--out", parsed.GetRequiredValue(output), ".safetensors");
            if (parsed.GetValue(plain) && parsed.GetValue(gamma) is > 0) throw new UsageException("--no-awp and --gamma were given: only one of them can be meant");
            FileNames.MustBeWritable(path);
            Runtime.Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount;
            using var pictures = RetrievalIndex.Open(parsed.GetRequiredValue(index));
            using var more = parsed.GetValue(pairs) is { } file ? RetrievalIndex.Open(file) : null;
            var plan = Inr.Finer(parsed.GetValue(hidden) ?? usual.Plan.Hidden, parsed.GetValue(width) ?? usual.Plan.Size, parsed.GetValue(omega) ?? usual.Plan.Omega, parsed.GetValue(bias) ?? 1);
            var fit = new InrFit { Steps = parsed.GetValue(steps) ?? usual.Fit.Steps, Rate = parsed.GetValue(rate) ?? usual.Fit.Rate, Gamma = parsed.GetValue(plain) ? 0 : parsed.GetValue(gamma) ?? usual.Fit.Gamma, Blur = parsed.GetValue(blur) };
            var asJson = parsed.GetValue(json);
            using var progress = new BankProgress(screen, asJson);
            var result = new InrBankBuild(pictures, new(plan, fit, parsed.GetValue(side) ?? usual.Side, (ulong)(parsed.GetValue(seed) ?? 0)), path)
            {
                BatchSize = parsed.GetValue(atOnce) ?? InrBankBuild.DefaultBatchSize, Count = parsed.GetValue(count), Shard = parsed.GetValue(shard) ?? (1, 1), Pairs = more, OnProgress = progress.Report, OnUnreadable = progress.Note,
            }.Run(screen.Stop);
            progress.Dispose();
            if (asJson) screen.Json(new { Event = "result", File = path, result.Entries, result.Fitted, result.Reused, result.Unreadable, Psnr = Math.Round(result.Psnr, 3), Seconds = Math.Round(progress.Seconds, 2), Bytes = new FileInfo(path).Length, Model = pictures.Model });
            else screen.Say($"{path}  {result.Entries} entries ({result.Fitted} fitted, {result.Reused} there already, {result.Unreadable} pictures not readable), {result.Psnr.ToString("0.0", CultureInfo.InvariantCulture)} dB to the blurred pictures, {Sizes.Show(new FileInfo(path).Length)}");
            return 0;
        });
        return command;
    }
}
