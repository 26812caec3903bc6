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
        var output = new Option<string>("--out", "-o") { HelpName = "BANK.safetensors", Description = "Where to write the bank. A bank with equal settings that is already there is reused, whatever model it was built for.", Required = true };
        var count = Flags.Whole("--count", "Use the first N pictures of the index. [default: all]", 1, 100_000_000);
        var width = Flags.Whole("--width", $"Width of the hidden layers. [default: {usual.Plan.Size}]", 4, 4096);
        var hidden = Flags.Whole("--hidden", $"Hidden layers after the first. [default: {usual.Plan.Hidden}]", 0, 16);
        var omega = Flags.Number("--omega", "W", $"Omega of every sine layer. [default: {usual.Plan.Omega}]", 0.01, 1000);
        var bias = Flags.Number("--first-bias", "K", "First-layer biases are drawn from U(±K). [default: 1]", 0, 1000);
        var side = Flags.Whole("--side", $"Side in pixels at which pictures are fitted. [default: {usual.Side}]", 4, 4096);
        var steps = Flags.Whole("--steps", $"Optimisation steps per fit. [default: {usual.Fit.Steps}]", 1, 10_000_000);
        var rate = Flags.Number("--rate", "R", $"Learning rate of Adam, decaying to a tenth. [default: {usual.Fit.Rate.ToString(CultureInfo.InvariantCulture)}]", 1e-9, 1);
        var gamma = Flags.Number("--gamma", "G", "Norm of the weight perturbation relative to the norm of the weight matrix. [default: 0.01]", 0, 1);
        var blur = Flags.Number("--blur", "S", "Sigma of the blur of the pictures in pixels; 0: no blur. [default: 6 at a side of 224, scaled with the side]", 0, 1000);
        var plain = Flags.Switch("--no-awp", "Fit without weight perturbation (AWP); the same as --gamma 0.");
        var atOnce = Flags.Whole("--at-once", $"Pictures fitted together. [default: {InrBankBuild.DefaultBatchSize}]", 1, 4096);
        var shard = Flags.Shard("Fit only part I of N, for `obverse bank merge`.");
        var pairs = Flags.Text("--pairs", "INDEX", "A larger index of the same model whose embeddings are used for alignment and blending. [default: the bank's own entries]");
        var seed = Flags.Seed("the initial weights of every fit");
        var threads = Flags.Threads();
        var json = Flags.Json();
        var command = new Command("build",
            """
            Fit a small implicit representation (INR) to each blurred picture of an index, under adversarial weight
            perturbation (AWP), and save them as a bank with captions and embeddings. Every finished batch is saved; if
            interrupted, the same command resumes.

              obverse bank build --index photos.index.safetensors -o bank.safetensors
              obverse bank build --index photos.index.safetensors --pairs all.index.safetensors --shard 1/2 -o a.safetensors
            """)
        {
            index, output, count, width, hidden, omega, bias, side, steps, rate, gamma, blur, plain, atOnce, shard, pairs, seed, threads, json,
        };
        command.SetAction(parsed =>
        {
            var path = OutputPaths.Wanting("--out", parsed.GetRequiredValue(output), ".safetensors");
            if (parsed.GetValue(plain) && parsed.GetValue(gamma) is > 0) throw new UsageException("give --no-awp or --gamma, not both");
            using var alone = FileLock.Take(path);
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
            else screen.Say($"{path}  {result.Entries} entries ({result.Fitted} fitted, {result.Reused} reused, {result.Unreadable} pictures unreadable), {result.Psnr.ToString("0.0", CultureInfo.InvariantCulture)} dB to the blurred pictures, {Sizes.Show(new FileInfo(path).Length)}");
            return 0;
        });
        return command;
    }
}
